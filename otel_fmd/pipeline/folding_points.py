"""When points are folded and rolled: in steps of about a tenth of a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from otel_fmd.errors import OtelFmdError
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_LEAST, _MOST = 8, 1_024
"""Deltas of one step."""
_FIRST = 64
_WAIT_S = 15.0
"""How long points wait at least: the more there are of a series, the cheaper each one is."""
_STEP_S = 0.12
_ROLL_EVERY_S, _ROLL_STEPS = 20.0, 20
_CLEAN_EVERY_S = 600.0


class PointFolding:
    """Folds and rolls the points of one store, a little in each round.

    Args:
        store: the database.
        count: called with counts by the names of `PipelineCounters`.
        quarter_days: how long quarters are kept.
    """

    def __init__(
        self, store: Store, count: Callable[[Mapping[str, int]], None], quarter_days: float
    ) -> None:
        self._folder = PointFolder(store)
        self._roller = PointRoller(store, quarter_days)
        self._count = count
        self._size = _FIRST
        self._rolled_s = self._cleaned_s = float("-inf")

    def round(self) -> bool:
        """One round; whether more waits than was done."""
        began = time.monotonic()
        try:
            done = self._folder.fold(self._size, _WAIT_S)
        except OtelFmdError:
            raise
        except Exception:
            self._give_way()
            return True
        took_s = time.monotonic() - began
        self._count({"points_duplicates": done.duplicates, "points_late": done.late})
        behind = done.deltas >= self._size
        if done.deltas:
            scale = min(2.0, max(0.5, _STEP_S / max(took_s, 1e-3)))
            if behind or scale < 1:
                self._size = int(min(_MOST, max(_LEAST, self._size * scale)))
        if not behind:
            self._roll(time.monotonic())
        return behind

    def _give_way(self) -> None:
        """After an error that no retry would cure: fold one by one, and leave out what fails."""
        if self._size > 1:
            _log.debug("points are folded one by one", exc_info=True)
            self._size = 1
            return
        dropped = self._folder.drop_oldest()
        _log.exception("%d points could not be folded and were dropped", dropped)
        self._count({"points_dropped": dropped})

    def _roll(self, now_s: float) -> None:
        if now_s - self._rolled_s >= _ROLL_EVERY_S and self._roller.roll(_ROLL_STEPS) < _ROLL_STEPS:
            self._rolled_s = now_s
        if now_s - self._cleaned_s >= _CLEAN_EVERY_S:
            self._roller.remove_old()
            self._cleaned_s = now_s
