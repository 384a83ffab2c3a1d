"""The endpoints of apps: those that are never requested are worth knowing, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from flask import Flask

_log = logging.getLogger(__name__)


class NewEndpoints:
    """The endpoints of URL maps that were not reported yet.

    Args:
        apps: the apps; the collection may grow.
    """

    def __init__(self, apps: Iterable[Flask]) -> None:
        self._apps = apps
        self._reported: set[str] = set()

    def report(self, send: Callable[[list[str]], bool]) -> None:
        """Report new ones, if there are any; again the next time, unless `send` returns True."""
        news = endpoints_of(self._apps) - self._reported
        if news and send(sorted(news)):
            self._reported |= news


def endpoints_of(apps: Iterable[Flask]) -> set[str]:
    """The endpoints of the apps' URL maps; one that cannot be read is logged and skipped."""
    found: set[str] = set()
    for app in list(apps):
        try:
            found.update(str(rule.endpoint) for rule in app.url_map.iter_rules())
        except Exception:
            _log.exception("the URL map of app %r could not be read", getattr(app, "name", "?"))
    return found
