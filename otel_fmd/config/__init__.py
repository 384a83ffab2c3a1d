"""All settings, in one typed object: arguments, environment, FMD's file."""

from otel_fmd.config.load import (
    CONFIG_VARIABLES,
    PREFIX,
    Source,
    describe,
    load,
    shown,
    shown_setting,
    sources,
    variable,
)
from otel_fmd.config.oidc_file import Provider, login_providers
from otel_fmd.config.settings import MOST_DAYS, Settings

__all__ = [
    "CONFIG_VARIABLES",
    "MOST_DAYS",
    "PREFIX",
    "Provider",
    "Settings",
    "Source",
    "describe",
    "load",
    "login_providers",
    "shown",
    "shown_setting",
    "sources",
    "variable",
]
