"""Keeps a process's monitor levels and means as the server has them."""

from __future__ import annotations

import logging
import os
import random
import threading
import weakref
from collections.abc import Callable, Mapping

from otel_fmd.agent.levels import Levels, Seed
from otel_fmd.errors import OtelFmdError

_log = logging.getLogger(__name__)
_POLL_S = 5.0
_AWAY_S = 30.0
"""After so long without an answer it is asked less often: nobody may be there."""

Fetch = Callable[[], Mapping[str, Seed]]
"""What the server knows, by endpoint; empty when nothing changed. Raises OtelFmdError."""


class LevelPoller:
    """Asks every few seconds, with jitter, in a thread of its own.

    When the server is away the last known levels stay. The thread starts with the first request
    that a process serves, never at import: a parent that forks workers must not be in the middle of
    a call, or the child would inherit a lock that nobody releases.
    """

    def __init__(self, fetch: Fetch, levels: Levels) -> None:
        self._fetch = fetch
        self._levels = levels
        self._stopping = threading.Event()
        self._said = False
        self.running = False
        if hasattr(os, "register_at_fork"):
            me = weakref.ref(self)

            def in_child() -> None:
                poller = me()
                if poller is not None and not poller._stopping.is_set():
                    poller._stopping = threading.Event()
                    poller.running = False

            os.register_at_fork(after_in_child=in_child)

    def start(self) -> None:
        """Start the thread; the processor does so at the first request of a process."""
        if not self._stopping.is_set():
            self.running = True
            threading.Thread(target=self._run, name="otel-fmd-levels", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.running = True

    def _run(self) -> None:
        away_s = 0.0
        while True:
            pause_s = _POLL_S * random.uniform(0.8, 1.2)  # noqa: S311
            try:
                self._levels.seed(self._fetch())
                away_s = 0.0
            except OtelFmdError as error:
                self._say(error)
                away_s += pause_s
            except Exception:
                _log.exception("levels were not read; tried again")
                away_s += pause_s
            if away_s > _AWAY_S:
                pause_s *= 1.5
            if self._stopping.wait(pause_s):
                return

    def _say(self, error: OtelFmdError) -> None:
        level = logging.DEBUG if self._said else logging.WARNING
        self._said = True
        _log.log(level, "monitor levels were not read, the last known ones stay: %s", error)
