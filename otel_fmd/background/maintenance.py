"""Background maintenance: pruning by schedule, the size cap, and a full disk."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from otel_fmd.analysis.cron import next_run
from otel_fmd.config import Settings
from otel_fmd.job import Job
from otel_fmd.store.lease import Lease
from otel_fmd.store.store import Store
from otel_fmd.upkeep.eviction import Eviction, is_full
from otel_fmd.upkeep.retention import Ages, Retention, ages_of
from otel_fmd.upkeep.schedule import load_schedule

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 15.0
_LOOK_WHEN_FULL_S = 0.5
_STOP_S = 30.0
_LEASE_S = 60.0


@dataclass(slots=True)
class MaintenanceState:
    """What maintenance last did, as text."""

    last_pruned: str = ""
    last_evicted: str = ""
    last_error: str = ""


class Maintenance:
    """The maintenance jobs of one database.

    Of several processes with the same settings on a database, one prunes and enforces the size cap;
    each frees space if the disk is full, because no lease can be written then.

    Args:
        store: the database, with its schema in place.
        settings: ages, schedule and cap.
        last_error: the pipeline's last error, '' if there is none.
    """

    def __init__(self, store: Store, settings: Settings, last_error: Callable[[], str]) -> None:
        self._store = store
        self._retention = Retention(store)
        self._eviction = Eviction(store)
        self._settings = settings
        self._last_error = last_error
        self.state = MaintenanceState()
        self._deleting = threading.Lock()
        self._checked_s = time.time()
        self._lease = Lease(store, _duty(settings), _LEASE_S)
        self._jobs = [
            Job(
                "maintenance",
                lambda: self._recording(self._look),
                _LOOK_EVERY_S,
                first_s=_LOOK_WHEN_FULL_S,
                lease=self._lease,
            )
        ]
        if settings.max_database_size:
            full = Job("full-disk", lambda: self._recording(self._free_space), _LOOK_WHEN_FULL_S)
            self._jobs.append(full)

    def start(self) -> None:
        """Start the jobs."""
        if self._settings.max_database_size:
            self._eviction.keep_reserve()
        for job in self._jobs:
            job.start()

    def stop(self) -> None:
        """Stop them after what they are doing."""
        for job in self._jobs:
            job.stop(_STOP_S)

    def _schedules(self) -> list[tuple[str, Ages]]:
        """Cron schedules with what they remove: of the configuration, and of the dashboard."""
        found = []
        if self._settings.pruning_schedule:
            found.append((self._settings.pruning_schedule, ages_of(self._settings)))
        set_by_people = load_schedule(self._store)
        if set_by_people is not None:
            found.append((set_by_people.cron, set_by_people.ages))
        return found

    def _recording(self, work: Callable[[], None]) -> None:
        """Do it, one thing at a time, and note how it went."""
        with self._deleting:
            try:
                work()
            except Exception as error:
                self.state.last_error = str(error)
                if not is_full(error):
                    raise
            else:
                self.state.last_error = ""

    def _free_space(self) -> None:
        """Free space if the disk was full."""
        if "full" in self._last_error().lower():
            self.state.last_evicted = str(self._eviction.evict_some())

    def _look(self) -> None:
        """Enforce the size cap, and prune what is due."""
        removed = self._eviction.enforce(self._settings.max_database_size)
        if removed:
            self.state.last_evicted = str(removed)
        now_s = time.time()
        # Whatever was due while another process had the lease was done by that process.
        since_s = max(self._checked_s, self._lease.refused_at_s)
        for cron, ages in self._schedules():
            if next_run(cron, since_s) <= now_s:
                self.state.last_pruned = str(self._retention.prune(ages))
                _log.info("pruned: %s", self.state.last_pruned)
        self._checked_s = now_s


def _duty(settings: Settings) -> str:
    """A name for the work, the same for processes with the same settings."""
    what = (settings.pruning_schedule, ages_of(settings), settings.max_database_size)
    return f"maintenance:{blake2b(repr(what).encode(), digest_size=8).hexdigest()}"
