"""Eviction: what is deleted when the size cap is exceeded, or the disk is full."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Table, func, select

from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.store.space import checkpoint, give_back, size_bytes
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import Retention

_log = logging.getLogger(__name__)
_RESERVE_BYTES = 8 * 2**20
_SHARE = 0.05
_ENOUGH = 0.95
_MOST_ROUNDS = 400


class Eviction:
    """Deletes rows to free space: the oldest of the bulkiest kind first, rollups last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._retention = Retention(store)

    def enforce(self, cap_bytes: int) -> dict[str, int]:
        """Evict the oldest of the bulkiest kind until the cap is met; rollups last.

        Returns:
            The rows removed, by kind; empty if the database was below the cap.
        """
        removed: dict[str, int] = {}
        if not cap_bytes or size_bytes(self._store) <= cap_bytes:
            return removed
        for _ in range(_MOST_ROUNDS):
            if size_bytes(self._store) <= cap_bytes * _ENOUGH:
                break
            kind, number = self._evict()
            if not number:
                break
            removed[kind] = removed.get(kind, 0) + number
            if not self._store.database.frees_at_once:
                break  # Its size falls only after a vacuum; check again next time.
        if removed:
            _log.warning("size cap of %d bytes: evicted %s", cap_bytes, removed)
            give_back(self._store)
        return removed

    def evict_some(self) -> dict[str, int]:
        """After the disk was full: delete the reserve file, evict, and create the file again."""
        reserve = self.reserve_path
        if reserve is not None:
            with suppress(FileNotFoundError):
                os.unlink(reserve)
        removed: dict[str, int] = {}
        for _ in range(4):
            kind, number = self._evict()
            removed[kind] = removed.get(kind, 0) + number
        checkpoint(self._store)
        give_back(self._store)
        checkpoint(self._store)
        self.keep_reserve()
        _log.warning("the disk was full: evicted %s", removed)
        return removed

    @property
    def reserve_path(self) -> Path | None:
        """A file next to SQLite's, deleted when the disk is full so that rows can be deleted."""
        path = self._store.file_path
        return None if path is None else Path(f"{path}-reserve")

    def keep_reserve(self) -> None:
        """Create the reserve file, if there is space."""
        path = self.reserve_path
        if path is None or path.exists():
            return
        try:
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                for _ in range(_RESERVE_BYTES // 65_536):
                    file.write(bytes(65_536))
        except OSError:
            path.unlink(missing_ok=True)

    def _evict(self) -> tuple[str, int]:
        """Remove a part of the bulkiest kind, its oldest rows."""
        tables = self._store.tables
        bulk = sorted(
            (
                ("profiles", tables.stack_line, 60, tables.profile),
                ("outliers", tables.outlier, 2_500, tables.outlier),
                ("exceptions", tables.exception_occurrence, 1_500, tables.exception_occurrence),
                ("requests", tables.request, 130, tables.request),
                ("logs", tables.log_record, 400, tables.log_record),
                ("metrics by minutes", tables.metric_minute, 150, tables.metric_minute),
                ("metrics by quarters", tables.metric_quarter, 650, tables.metric_quarter),
            ),
            key=lambda one: -self._rows(one[1]) * one[2],
        )
        for kind, _, _, table in bulk:
            number = self._rows(table)
            if number:
                wanted = max(1, int(number * _SHARE))
                if table in (tables.metric_minute, tables.metric_quarter):
                    return kind, self._retention.delete_oldest_points(table, wanted)
                return kind, self._retention.delete_oldest(kind, table, wanted)
        with self._store.read() as connection:
            first = connection.execute(select(func.min(tables.hour_count.c.hour))).scalar()
        if first is None:
            return "rollups", 0
        return "rollups", self._retention.prune_rollups((first + HOURS_PER_DAY) * HOUR_US)

    def _rows(self, table: Table) -> int:
        """How many rows a table has."""
        with self._store.read() as connection:
            count = select(func.count()).select_from(table)
            return int(connection.execute(count).scalar_one())


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk is full."""
    return isinstance(error, StoreUnavailableError) and "full" in str(error).lower()
