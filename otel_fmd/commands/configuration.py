"""`otel-fmd config`."""

from __future__ import annotations

import argparse

from otel_fmd import config
from otel_fmd.config.fmd_file import unused_keys


def show(options: argparse.Namespace, settings: config.Settings) -> int:
    """Print every setting, its value, and where that came from; secrets are hidden."""
    found = config.sources(**vars(options).get("given", {}))
    rows = [
        (
            name,
            config.shown_setting(name, getattr(settings, name)),
            found[name].where if name in found else "",
        )
        for name, *_ in config.describe()
    ]
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    for name, value, where in rows:
        print(f"{name:{widths[0]}}  {value:{min(widths[1], 60)}}  {where or 'default'}")
    if settings.config_file:
        for key, why in unused_keys(settings.config_file).items():
            print(f"{settings.config_file}: {key} has no effect: {why}")
    return 0
