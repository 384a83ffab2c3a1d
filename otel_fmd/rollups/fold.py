"""Folding deltas into rollups, by any idle process.

A fold is one transaction: take the lock row, delete the deltas it read, add them to the rollups. It
rolls back unless it deleted every delta it read, so any number of processes may fold. Users and
addresses are folded in separate steps (`fold_callers`), rarer and larger: the first step moves the
payloads to `CallerDelta`.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from otel_fmd.analysis import histogram
from otel_fmd.analysis.rollup import AHEAD_US, Rollup
from otel_fmd.rollups.callers import caller_counts
from otel_fmd.rollups.steps import delete_exactly, hold_lock, oldest
from otel_fmd.store.delta import unpack
from otel_fmd.store.kinds import OTHER_ADDRESSES, OTHER_USERS, USER
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_log = logging.getLogger(__name__)
_LOCK_ID = 1
_COUNTS = ("count", "sum_ns", "min_ns", "max_ns")
_CHUNK = 400


class DeltaFolder:
    """Folds the deltas of one store.

    Args:
        store: the database.
        max_callers: users, and addresses, kept per endpoint and version.
    """

    def __init__(self, store: Store, max_callers: int = 500) -> None:
        self._store = store
        self._max_callers = max_callers
        tables = store.tables
        merge = {"count": "add", "sum_ns": "add", "min_ns": "min", "max_ns": "max"}
        key = ("endpoint_id", "version_id", "status_code")
        make = Statements(store)
        self._run_many = store.database.run_many
        self._upsert_hour = make.upsert(tables.hour_count, ("hour", *key, *_COUNTS), merge)
        self._upsert_day = make.upsert(tables.day_count, ("day", *key, *_COUNTS), merge)
        replace = {"counts": "replace"}
        columns = ("endpoint_id", "version_id", "counts")
        self._put_hours = make.upsert(tables.hour_histogram, ("hour", *columns), replace)
        self._put_days = make.upsert(tables.day_histogram, ("day", *columns), replace)
        self._put_callers = make.upsert(
            tables.caller_histogram,
            ("endpoint_id", "kind", "version_id", "caller", "counts"),
            replace,
        )
        self._put_version = make.upsert(
            tables.endpoint_version,
            ("endpoint_id", "version_id", "first_us", "last_us"),
            {"first_us": "min", "last_us": "max"},
        )

    def fold(self, most: int, older_than_s: float = 0.0) -> int:
        """Fold up to `most` deltas, the oldest first; how many were folded.

        0: there are none, another process was faster, or the oldest is younger than `older_than_s`:
        another process may have just folded, and larger steps are cheaper per delta.
        """
        delta = self._store.tables.delta
        if not self._waits(delta, older_than_s):
            return 0
        with self._store.write() as connection:
            self.lock(connection)
            ids, payloads = oldest(connection, delta, most)
            if not ids:
                return 0
            self._hand_on(connection, ids)
            if not delete_exactly(connection, delta, ids):
                connection.rollback()
                return 0
            rollup = Rollup()
            for payload in payloads:
                columns = unpack(payload)
                rollup.add(*columns[:5])
                rollup.note_seen(columns.seen)
            self.add(connection, rollup)
        return len(ids)

    def fold_callers(self, most: int, older_than_s: float = 0.0) -> int:
        """Fold users and addresses of up to `most` deltas, as `fold` does."""
        caller_delta = self._store.tables.caller_delta
        if not self._waits(caller_delta, older_than_s):
            return 0
        with self._store.write() as connection:
            self.lock(connection)
            ids, payloads = oldest(connection, caller_delta, most)
            if not ids:
                return 0
            if not delete_exactly(connection, caller_delta, ids):
                connection.rollback()
                return 0
            self.add_callers(connection, caller_counts(map(unpack, payloads)))
        return len(ids)

    def add(self, connection: Connection, rollup: Rollup) -> None:
        """Add sums to the rollups, without users and addresses."""
        hours = [(*k, t.count, t.sum_ns, t.min_ns, t.max_ns) for k, t in rollup.hours.items()]
        days = [(*k, t.count, t.sum_ns, t.min_ns, t.max_ns) for k, t in rollup.days().items()]
        self._run_many(connection, self._upsert_hour, sorted(hours))
        self._run_many(connection, self._upsert_day, sorted(days))
        tables = self._store.tables
        self._add_histograms(
            connection, tables.hour_histogram, self._put_hours, rollup.hour_histograms()
        )
        self._add_histograms(
            connection, tables.day_histogram, self._put_days, rollup.day_histograms()
        )
        seen = [(*key, *times) for key, times in rollup.endpoint_versions().items()]
        self._run_many(connection, self._put_version, sorted(seen))
        until_us = now_us() + AHEAD_US
        self._note_last_requested(connection, rollup.last_requested(until_us), until_us)

    def _add_histograms(
        self,
        connection: Connection,
        table: Table,
        put: str,
        found: Mapping[tuple[int, int, int], Mapping[int, int]],
    ) -> None:
        period_of = table.c[0]
        periods = sorted({key[0] for key in found})
        known: dict[tuple[int, int, int], bytes] = {}
        for start in range(0, len(periods), _CHUNK):
            chosen = period_of.in_(periods[start : start + _CHUNK])
            query = select(period_of, table.c.endpoint_id, table.c.version_id, table.c.counts)
            rows = connection.execute(query.where(chosen))
            for period, endpoint, version, packed in rows:
                if (period, endpoint, version) in found:
                    known[period, endpoint, version] = packed
        rows_out = [
            (*key, histogram.add(known.get(key, b""), counts))
            for key, counts in sorted(found.items(), key=lambda item: item[0])
        ]
        self._run_many(connection, put, rows_out)

    def add_callers(
        self,
        connection: Connection,
        counts: Mapping[tuple[int, int, int], Mapping[str, Mapping[int, int]]],
    ) -> None:
        """Add counts per (endpoint, kind, version) and user or address."""
        caller = self._store.tables.caller_histogram.c
        rows: list[tuple[Any, ...]] = []
        for (endpoint, kind, version), group in sorted(counts.items(), key=lambda item: item[0]):
            query = select(caller.caller, caller.counts).where(
                caller.endpoint_id == endpoint, caller.kind == kind, caller.version_id == version
            )
            known = {row.caller: row.counts for row in connection.execute(query)}
            room = self._max_callers - len(known)
            others: Counter[int] = Counter()
            for name in sorted(group):
                if name in known:
                    packed = histogram.add(known[name], group[name])
                elif room > 0:
                    room -= 1
                    packed = histogram.pack(group[name])
                else:
                    others.update(group[name])
                    continue
                rows.append((endpoint, kind, version, name, packed))
            if others:
                other = OTHER_USERS if kind == USER else OTHER_ADDRESSES
                old = connection.execute(
                    select(caller.counts).where(
                        caller.endpoint_id == endpoint,
                        caller.kind == other,
                        caller.version_id == version,
                    )
                ).scalar()
                rows.append((endpoint, other, version, "", histogram.add(old or b"", others)))
        self._run_many(connection, self._put_callers, rows)

    def _hand_on(self, connection: Connection, ids: Sequence[int]) -> None:
        """Copy these deltas to `CallerDelta`, within the database."""
        delta = self._store.tables.delta.c
        names = ["created_us", "count", "payload"]
        for start in range(0, len(ids), _CHUNK):
            # Never a range of ids: one that was not read may have been committed in between.
            chosen = delta.id.in_(ids[start : start + _CHUNK])
            source = select(delta.created_us, delta.count, delta.payload).where(
                chosen, delta.count > 0
            )
            target = insert(self._store.tables.caller_delta)
            connection.execute(target.from_select(names, source.order_by(delta.id)))

    def _waits(self, table: Table, older_than_s: float) -> bool:
        query = select(table.c.created_us).order_by(table.c.id).limit(1)
        with self._store.read() as connection:
            created_us = connection.execute(query).scalar()
        if created_us is None:
            return False
        # A clock that is behind its writer's is no reason to wait.
        return not 0 <= time.time() - created_us / 1e6 < older_than_s

    def lock(self, connection: Connection) -> None:
        """Make folds wait for each other; on a Galera cluster all but one fail certification."""
        hold_lock(connection, self._store.tables, _LOCK_ID)

    def _note_last_requested(
        self, connection: Connection, last: Mapping[int, int], until_us: int
    ) -> None:
        endpoint = self._store.tables.endpoint
        rows = connection.execute(select(endpoint.c.id, endpoint.c.last_requested))
        known: dict[int, datetime | None] = {row.id: row.last_requested for row in rows}
        epoch = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
        latest = epoch + timedelta(microseconds=until_us)
        changes = []
        for number, us in sorted(last.items()):
            when = epoch + timedelta(microseconds=us)
            old = known.get(number)
            if number in known and (old is None or when > old or old > latest):
                changes.append({"key": number, "time": when})
        if changes:
            connection.execute(
                update(endpoint)
                .where(endpoint.c.id == bindparam("key"))
                .values(last_requested=bindparam("time")),
                changes,
            )
