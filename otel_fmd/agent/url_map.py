"""What apps could be asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Flask

_log = logging.getLogger(__name__)


def endpoints_of(apps: Iterable[Flask]) -> set[str]:
    """The endpoints of the apps' URL maps; of one that cannot be read none, which is said."""
    found: set[str] = set()
    for app in list(apps):
        try:
            found.update(rule.endpoint for rule in app.url_map.iter_rules())
        except Exception:
            _log.exception("the URL map of app %r could not be read", getattr(app, "name", "?"))
    return found
