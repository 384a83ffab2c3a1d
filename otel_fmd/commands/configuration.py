"""`otel-fmd config`."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from otel_fmd import config
from otel_fmd.config_fmd import unused_keys

_SECRETS = frozenset(["admin_password", "otlp_token"])


def show(options: argparse.Namespace, settings: config.Settings) -> int:
    """Print every setting, its value, and where it came from; secrets are hidden."""
    found = config.sources(**vars(options).get("given", {}))
    rows = [
        (name, shown(name, getattr(settings, name)), found[name].where if name in found else "")
        for name, *_ in config.describe()
    ]
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    for name, value, where in rows:
        print(f"{name:{widths[0]}}  {value:{min(widths[1], 60)}}  {where or 'default'}")
    if settings.config_file:
        for key, why in unused_keys(settings.config_file).items():
            print(f"{settings.config_file}: {key} has no effect: {why}")
    return 0


def shown(name: str, value: Any) -> str:
    """A setting's value in words, secrets hidden."""
    if name in _SECRETS and value:
        return "(set)"
    if name == "database_url":
        try:
            return make_url(value).render_as_string(hide_password=True)
        except (ArgumentError, ValueError):
            return "(no URL)"
    return config.shown(value)
