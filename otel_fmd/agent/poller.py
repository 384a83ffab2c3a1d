"""Keeps a process's monitor levels and means as the server has them."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping

from otel_fmd.agent.levels import Levels, Seed
from otel_fmd.errors import OtelFmdError
from otel_fmd.forks import on_fork

_log = logging.getLogger(__name__)
_POLL_S = 5.0
_jitter = random.SystemRandom()
"""Not the global generator: a seeded app would draw other numbers with us than without."""
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

    def __init__(
        self, fetch: Fetch, levels: Levels, close: Callable[[], None] | None = None
    ) -> None:
        self._fetch = fetch
        self._close = close
        self._levels = levels
        self._stopping = threading.Event()
        self._said = False
        self.running = False
        on_fork(self._after_fork)

    def start(self) -> None:
        """Start the thread; the processor does so at the first request of a process."""
        if not self._stopping.is_set():
            self.running = True
            threading.Thread(target=self._run, name="otel-fmd-levels", daemon=True).start()

    def stop(self) -> None:
        """End the thread, and close what it asks."""
        self._stopping.set()
        self.running = True
        if self._close is not None:
            self._close()

    def _after_fork(self) -> None:
        if not self._stopping.is_set():
            self._stopping = threading.Event()
            self.running = False

    def _run(self) -> None:
        away_s = 0.0
        while True:
            pause_s = _POLL_S * _jitter.uniform(0.8, 1.2)
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
