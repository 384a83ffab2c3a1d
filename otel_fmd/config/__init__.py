"""All settings, in one typed object: arguments, environment, FMD's file."""

from otel_fmd.config.settings import (
    CONFIG_VARIABLES,
    MOST_DAYS,
    PREFIX,
    Settings,
    Source,
    describe,
    load,
    shown,
    shown_setting,
    sources,
    variable,
)

__all__ = [
    "CONFIG_VARIABLES",
    "MOST_DAYS",
    "PREFIX",
    "Settings",
    "Source",
    "describe",
    "load",
    "shown",
    "shown_setting",
    "sources",
    "variable",
]
