"""The job that folds deltas into the rollups and compacts, alongside the writer thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from otel_fmd.errors import StoreUnavailableError
from otel_fmd.job import Job
from otel_fmd.pipeline.folding_points import PointFolding
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
STEP = 64
"""Deltas folded in one transaction."""
CALLER_STEP = 256
_AFTER, _CALLERS_AFTER = 0.5, 2.5
"""How many times the pause between looks a delta waits at least; users and addresses wait longer,
because a step of theirs writes many rows."""
_AWAY_S = 2.5
_BROKEN_S = 10.0
_BEHIND_S = 0.05
_COMPACT_EVERY_S = 60.0


class DeltaFolding:
    """Folds the deltas of one store, from `start` to `stop`.

    Args:
        store: the database.
        max_callers: users, and addresses, kept per endpoint and version.
        every_s: seconds between looks; 0: never.
        count: called with counts by the names of `PipelineCounters`.
        quarter_days: how long the quarters of metrics are kept.
        every_minute: further work on what batches appended.
    """

    def __init__(
        self,
        store: Store,
        max_callers: int,
        every_s: float,
        count: Callable[[Mapping[str, int]], None],
        quarter_days: float,
        every_minute: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._folder = DeltaFolder(store, max_callers)
        self._points = PointFolding(store, count, quarter_days)
        self._every_s = every_s
        self._count = count
        self._job = Job("folder", self._run, every_s, after_error_s=_BROKEN_S)
        self._ready = False
        self._every_minute = every_minute
        self._compacted_s = time.monotonic()

    def start(self) -> None:
        """Start the job, if it does not run yet."""
        if self._every_s > 0:
            self._job.start()

    def stop(self, timeout_s: float) -> None:
        """End the job after what it is doing."""
        self._job.stop(timeout_s)

    def _run(self) -> float:
        try:
            return self._round()
        except StoreUnavailableError as error:
            # Whoever writes says so already.
            _log.debug("not folded: %s", error)
            return _AWAY_S

    def _round(self) -> float:
        """One round of folding; the seconds to wait before the next."""
        if not self._ready:
            prepare(self._store)
            self._ready = True
        folded = self._folder.fold(STEP, self._every_s * _AFTER)
        self._count({"folded": folded})
        if folded >= STEP:
            # Behind: larger steps are cheaper per delta.
            folded = self._folder.fold(STEP * 4)
            self._count({"folded": folded})
        self._folder.fold_callers(CALLER_STEP, self._every_s * _CALLERS_AFTER)
        if time.monotonic() - self._compacted_s > _COMPACT_EVERY_S:
            for work in self._every_minute:
                work()
            self._compacted_s = time.monotonic()
        behind = self._points.round()
        return _BEHIND_S if folded >= STEP or behind else self._every_s
