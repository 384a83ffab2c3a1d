"""Keeps a process's monitor levels and means in sync with the server."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping

from otel_fmd.agent.levels import Levels, Seed
from otel_fmd.errors import OtelFmdError
from otel_fmd.job import Job

_log = logging.getLogger(__name__)
_POLL_S = 5.0
_jitter = random.SystemRandom()
"""Not the global generator: in an app that seeds it, monitoring must not change the numbers."""
_AWAY_S = 30.0
"""After this long without an answer, the receiver is polled less often."""

Fetch = Callable[[], Mapping[str, Seed]]
"""The server's state by endpoint; empty if nothing changed. Raises OtelFmdError."""


class LevelPoller:
    """Polls every few seconds, with jitter.

    When the server is away the last known levels stay. The job starts with the first request
    that a process serves, never at import: a parent that forks workers must not be in the middle of
    a call, or the child would inherit a lock that is never released.
    """

    def __init__(
        self, fetch: Fetch, levels: Levels, close: Callable[[], None] | None = None
    ) -> None:
        self._fetch = fetch
        self._close = close
        self._levels = levels
        self._said = False
        self._away_s = 0.0
        self._job = Job("levels", self._run, _POLL_S, first_s=0.0)

    @property
    def running(self) -> bool:
        """Whether it was started in this process."""
        return self._job.is_started

    def start(self) -> None:
        """Start the job; the processor does so at the first request of a process."""
        self._job.start()

    def stop(self) -> None:
        """Stop the job without waiting for a response, and close its source."""
        self._job.stop(0)
        if self._close is not None:
            self._close()

    def _run(self) -> float:
        pause_s = _POLL_S * _jitter.uniform(0.8, 1.2)
        try:
            self._levels.seed(self._fetch())
        except OtelFmdError as error:
            self._say(error)
            return self._longer(pause_s)
        except Exception:
            _log.exception("monitor levels were not read; will retry")
            return self._longer(pause_s)
        self._away_s = 0.0
        return pause_s

    def _longer(self, pause_s: float) -> float:
        self._away_s += pause_s
        return pause_s * 1.5 if self._away_s > _AWAY_S else pause_s

    def _say(self, error: OtelFmdError) -> None:
        level = logging.DEBUG if self._said else logging.WARNING
        self._said = True
        _log.log(
            level, "monitor levels were not read, the last known ones stay in force: %s", error
        )
