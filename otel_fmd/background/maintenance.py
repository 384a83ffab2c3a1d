"""Maintenance beside ingest: pruning by schedule, the size cap, and a disk that is full."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from croniter import croniter

from otel_fmd.config import Settings
from otel_fmd.errors import OtelFmdError
from otel_fmd.store.store import Store
from otel_fmd.upkeep.eviction import Room, is_full
from otel_fmd.upkeep.retention import Ages, Retention
from otel_fmd.upkeep.schedule import load_schedule

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 15.0
_LOOK_WHEN_FULL_S = 0.5


@dataclass(slots=True)
class MaintenanceState:
    """What maintenance last did, for people."""

    last_pruned: str = ""
    last_evicted: str = ""
    last_error: str = ""


def ages_of(settings: Settings) -> Ages:
    """How long each kind is kept."""
    return Ages(
        requests=settings.keep_requests_days,
        outliers=settings.keep_outliers_days,
        profiles=settings.keep_profiles_days,
        rollups=settings.keep_rollups_days,
        custom_graphs=settings.keep_custom_graphs_days,
    )


class Maintenance:
    """A thread that looks after one database.

    Args:
        store: the database.
        settings: ages, schedule and cap.
        last_error: the pipeline's last error, '' when all is well.
    """

    def __init__(self, store: Store, settings: Settings, last_error: Callable[[], str]) -> None:
        self._store = store
        self._retention = Retention(store)
        self._room = Room(store)
        self._settings = settings
        self._last_error = last_error
        self.state = MaintenanceState()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otel-fmd-maintenance", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it after what it is doing."""
        self._stopping.set()
        self._thread.join(30)

    def _schedules(self) -> list[tuple[str, Ages]]:
        """Cron schedules with what they remove: of the configuration, and of the dashboard."""
        found = []
        if self._settings.pruning_schedule:
            found.append((self._settings.pruning_schedule, ages_of(self._settings)))
        set_by_people = load_schedule(self._store)
        if set_by_people is not None:
            found.append((set_by_people.cron, set_by_people.ages))
        return found

    def _run(self) -> None:
        checked_s = time.time()
        if self._settings.max_database_size:
            self._room.keep_reserve()
        looked = float("-inf")
        while not self._stopping.wait(_LOOK_WHEN_FULL_S):
            try:
                if self._settings.max_database_size and "full" in self._last_error().lower():
                    self.state.last_evicted = str(self._room.make_room())
                elif time.monotonic() - looked >= _LOOK_EVERY_S:
                    looked = time.monotonic()
                    removed = self._room.enforce(self._settings.max_database_size)
                    if removed:
                        self.state.last_evicted = str(removed)
                    now_s = time.time()
                    for cron, ages in self._schedules():
                        if next_run(cron, checked_s) <= now_s:
                            self.state.last_pruned = str(self._retention.prune(ages))
                            _log.info("pruned: %s", self.state.last_pruned)
                    checked_s = now_s
                self.state.last_error = ""
            except OtelFmdError as error:
                self.state.last_error = str(error)
                if not is_full(error):
                    _log.warning("maintenance: %s", error)
            except Exception as error:
                self.state.last_error = str(error)
                _log.exception("maintenance failed; it goes on")


def next_run(schedule: str, now_s: float) -> float:
    """When a cron schedule is due next, in unix seconds; local time of the machine."""
    start = datetime.fromtimestamp(now_s).astimezone()
    found: float = croniter(schedule, start).get_next(float)
    return found
