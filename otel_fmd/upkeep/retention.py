"""Pruning by age, in chunks so short that ingest hardly waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from otel_fmd.analysis.request_id import id_range
from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY
from otel_fmd.config import Settings
from otel_fmd.store.settings import PRUNED_BEFORE, get_setting, put_setting
from otel_fmd.store.space import give_back
from otel_fmd.store.store import Store
from otel_fmd.store.times import naive_utc, now_us, unix_us
from otel_fmd.upkeep.exceptions import UnusedExceptions

_DAY_US = 86_400_000_000
_TARGET_S = 0.03
_FIRST_CHUNK = 400
_MOST_CHUNK = 20_000
_HOUR_HISTOGRAM_DAYS = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How many days each kind is kept; 0 keeps it forever."""

    requests: float = 0
    outliers: float = 0
    profiles: float = 0
    logs: float = 0
    rollups: float = 0
    custom_graphs: float = 0
    audit: float = 0

    @property
    def all(self) -> tuple[float, ...]:
        """Of every kind."""
        return tuple(getattr(self, one.name) for one in fields(self))

    @property
    def any(self) -> bool:
        """Whether anything is pruned at all."""
        return any(self.all)


def ages_of(settings: Settings) -> Ages:
    """How long each kind is kept, by the settings."""
    return Ages(
        requests=settings.keep_requests_days,
        outliers=settings.keep_outliers_days,
        profiles=settings.keep_profiles_days,
        logs=settings.keep_logs_days,
        rollups=settings.keep_rollups_days,
        custom_graphs=settings.keep_custom_graphs_days,
        audit=settings.keep_audit_days,
    )


class Retention:
    """Deletes old data."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = store.tables
        self.longest_s = 0.0
        self._unused = UnusedExceptions(store, self._in_chunks)

    def prune(self, ages: Ages, at_us: int | None = None) -> dict[str, int]:
        """Delete rows older than the age of their kind; returns the numbers deleted, by kind."""
        now = now_us() if at_us is None else at_us
        done: dict[str, int] = {}

        def before(days: float) -> int:
            return now - int(days * _DAY_US)

        if ages.requests:
            done["requests"] = self._prune_requests(before(ages.requests))
        if ages.outliers:
            done["outliers"] = self._prune_details(self._tables.outlier, before(ages.outliers))
        if ages.profiles:
            done["profiles"] = self._prune_details(self._tables.profile, before(ages.profiles))
        if ages.logs or ages.requests:
            done["logs"] = self._prune_logs(before(ages.logs or ages.requests))
        if ages.rollups:
            done["rollups"] = self.prune_rollups(before(ages.rollups))
        if ages.custom_graphs:
            data, moment = self._tables.custom_graph_data, naive_utc(before(ages.custom_graphs))
            done["custom_graphs"] = self._delete_rows(data, data.c.time < moment)
        if ages.audit:
            audit = self._tables.audit
            done["audit"] = self._delete_rows(audit, audit.c.time_us < before(ages.audit))
        self._unused.remove()
        hour = (now - _HOUR_HISTOGRAM_DAYS * _DAY_US) // HOUR_US
        self._delete_ranges(self._tables.hour_histogram, hour)
        give_back(self._store)
        return {kind: number for kind, number in done.items() if number}

    def delete_oldest(self, kind: str, table: Table, wanted: int) -> int:
        """Delete this many of the oldest rows of a table; returns how many were deleted.

        Args:
            kind: `requests`, `exceptions`, or what the table holds of requests.
            table: `Request`, `ExceptionOccurrence`, `Outlier` or the table of profiles.
            wanted: rows.
        """
        column = table.c.request_id if kind in ("outliers", "profiles") else table.c.id
        with self._store.read() as connection:
            bound = connection.execute(
                select(column).order_by(column).offset(wanted - 1).limit(1)
            ).scalar()
        if bound is None:
            return 0
        if kind == "exceptions":
            removed = self._delete_rows(table, table.c.id <= bound)
            self._unused.remove()
            return removed
        if kind == "requests":
            last = self._time_of(bound)
            removed = self._delete_requests(lambda: table.c.id <= bound)
            self._note_pruned(last + 1)
            return removed
        if kind == "logs":
            return self.delete_logs(bound + 1)
        return self._delete_details(table, bound + 1)

    def delete_oldest_points(self, table: Table, wanted: int) -> int:
        """Delete at least so many rows of metrics, the oldest, as whole hours or days of them."""
        period = table.c[0]
        with self._store.read() as connection:
            query = select(period).order_by(period).offset(wanted - 1).limit(1)
            last = connection.execute(query).scalar()
        return 0 if last is None else self._delete_ranges(table, last + 1)

    def prune_rollups(self, before_us: int) -> int:
        """Delete the rollups of days before this one; returns the number of rows deleted."""
        day = before_us // _DAY_US
        hour = day * HOURS_PER_DAY
        count = self._tables.exception_count
        minutes = before_us // 60_000_000
        return self._delete_rows(count, count.c.minute < minutes) + sum(
            self._delete_ranges(table, bound)
            for table, bound in (
                (self._tables.hour_count, hour),
                (self._tables.hour_histogram, hour),
                (self._tables.day_count, day),
                (self._tables.day_histogram, day),
                (self._tables.metric_minute, hour),
                (self._tables.metric_exemplar, hour),
                (self._tables.metric_quarter, day),
                (self._tables.metric_day, day),
            )
        )

    def _time_of(self, request_id: int) -> int:
        request = self._tables.request.c
        with self._store.read() as connection:
            moment = connection.execute(
                select(request.time_requested).where(request.id == request_id)
            ).scalar()
        return 0 if moment is None else unix_us(moment)

    def _prune_requests(self, before_us: int) -> int:
        request = self._tables.request
        moment = naive_utc(before_us)
        removed = self._delete_requests(lambda: request.c.time_requested < moment, before_us)
        occurrence = self._tables.exception_occurrence
        self._delete_rows(
            occurrence, occurrence.c.request_id.is_(None) & (occurrence.c.time_us < before_us)
        )
        self._note_pruned(before_us)
        return removed

    def _delete_requests(
        self, condition: Callable[[], object], before_us: int | None = None
    ) -> int:
        tables = self._tables
        request = tables.request.c
        after = 0
        highest = None if before_us is None else id_range(0, before_us)[1]

        def chunk(connection: Connection, most: int) -> int:
            nonlocal after
            query = select(request.id).where(request.id > after, condition())  # type: ignore[arg-type]
            if highest is not None:
                query = query.where(request.id <= highest)
            ids = connection.execute(query.order_by(request.id).limit(most)).scalars().all()
            for start in range(0, len(ids), 400):
                part = ids[start : start + 400]
                for table in (tables.stack_line, tables.profile, tables.outlier):
                    connection.execute(delete(table).where(table.c.request_id.in_(part)))
                self._delete_occurrences(connection, part)
                connection.execute(delete(tables.request).where(request.id.in_(part)))
            if ids:
                after = ids[-1]
            return len(ids)

        return self._in_chunks(chunk)

    def _delete_occurrences(self, connection: Connection, ids: Sequence[int]) -> None:
        table = self._tables.exception_occurrence
        connection.execute(delete(table).where(table.c.request_id.in_(ids)))

    def _prune_details(self, table: Table, before_us: int) -> int:
        return self._delete_details(table, id_range(0, before_us)[1] + 1)

    def _delete_details(self, table: Table, below_id: int) -> int:
        tables = self._tables
        column = table.c.request_id

        def chunk(connection: Connection, most: int) -> int:
            found = select(column).where(column < below_id).order_by(column).limit(most)
            ids = connection.execute(found).scalars().all()
            for start in range(0, len(ids), 400):
                part = ids[start : start + 400]
                if table is tables.profile:
                    lines = tables.stack_line
                    connection.execute(delete(lines).where(lines.c.request_id.in_(part)))
                connection.execute(delete(table).where(column.in_(part)))
            return len(ids)

        return self._in_chunks(chunk)

    def _prune_logs(self, before_us: int) -> int:
        return self.delete_logs(id_range(0, before_us)[1] + 1)

    def delete_logs(self, below_id: int) -> int:
        """Delete log records with ids below this one; returns how many."""
        table = self._tables.log_record
        return self._delete_rows(table, table.c.id < below_id)

    def _delete_ranges(self, table: Table, bound: int) -> int:
        """Delete rollups before a period, one period at a time."""
        period = table.c[0]

        def chunk(connection: Connection, _most: int) -> int:
            oldest = connection.execute(select(func.min(period)).where(period < bound)).scalar()
            if oldest is None:
                return 0
            return connection.execute(delete(table).where(period == oldest)).rowcount

        return self._in_chunks(chunk)

    def _delete_rows(self, table: Table, condition: ColumnElement[bool]) -> int:
        """Delete the rows of a table with nothing below them that meet a condition."""

        def chunk(connection: Connection, most: int) -> int:
            found = select(table.c.id).where(condition).limit(min(most, 400))
            ids = connection.execute(found).scalars().all()
            connection.execute(delete(table).where(table.c.id.in_(ids)))
            return len(ids)

        return self._in_chunks(chunk)

    def _note_pruned(self, before_us: int) -> None:
        with self._store.write() as connection:
            known = int(get_setting(connection, self._tables, PRUNED_BEFORE) or 0)
            if before_us > known:
                put_setting(connection, self._tables, PRUNED_BEFORE, str(before_us))

    def _in_chunks(self, chunk: Callable[[Connection, int], int]) -> int:
        """Run chunk after chunk, each in a transaction no longer than ingest may wait."""
        total = 0
        for most in self._sizes():
            began = time.monotonic()
            with self._store.write() as connection:
                number = chunk(connection, most)
            self._took = time.monotonic() - began
            self.longest_s = max(self.longest_s, self._took)
            total += number
            if not number:
                break
            # Ingest, which waits for the same lock, gets its turn.
            time.sleep(0.005)
        return total

    def _sizes(self) -> Iterator[int]:
        size = float(_FIRST_CHUNK)
        while True:
            self._took = _TARGET_S
            yield int(size)
            size = min(_MOST_CHUNK, max(50, size * min(2.0, _TARGET_S / max(self._took, 1e-4))))
