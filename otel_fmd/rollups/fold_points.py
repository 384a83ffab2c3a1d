"""Folding the points that wait into the minutes of their series, by any idle process.

A fold is one transaction, as for requests: take the lock row, delete the deltas it read, add them,
and roll back unless every delta was deleted. It writes minutes only; quarters of an hour and days
are made from them once they are over (`roll_points`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from otel_fmd.analysis.packed_state import pack_state
from otel_fmd.analysis.point_rows import MINUTES_PER_HOUR, Slot, pack, unpack
from otel_fmd.analysis.point_state import MINUTE_NS, Added, SeriesState
from otel_fmd.rollups.steps import delete_exactly, hold_lock, oldest, waits
from otel_fmd.store.arrivals import SeriesKey, absorbed, arrivals, minutes_around
from otel_fmd.store.metric_tables import FOLD_LOCK, GRAIN_HOUR
from otel_fmd.store.packed_points import load_states, packed_rows
from otel_fmd.store.point_delta import (
    StoredExemplar,
    pack_exemplars,
    unpack_exemplars,
)
from otel_fmd.store.point_delta import unpack as unpack_delta
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_MOST_EXEMPLARS = 60
"""Exemplars of a series and an hour: the newest of each minute, on average."""
_HOUR_NS = 3_600_000_000_000


class Folded(NamedTuple):
    """What a fold did: how many deltas, and of their points how many were duplicates or late."""

    deltas: int = 0
    duplicates: int = 0
    late: int = 0


class PointFolder:
    """Folds the points of one store.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        tables = store.tables
        make = Statements(store)
        self._run_many = store.database.run_many
        row = ("metric_id", "series_id", "payload")
        replace = {"payload": "replace"}
        self._put_open = make.upsert(tables.metric_open, ("grain", "period", *row), replace)
        self._put_exemplars = make.upsert(tables.metric_exemplar, ("hour", *row), replace)
        self._put_states = make.upsert(
            tables.metric_state,
            ("metric_id", "series_id", "last_us", "payload"),
            {"last_us": "replace", "payload": "replace"},
        )

    def fold(self, most: int, older_than_s: float = 0.0) -> Folded:
        """Fold up to `most` deltas, the oldest first.

        None are folded when there are none, when another process was faster, or when the oldest is
        younger than `older_than_s` and there are fewer than `most`.
        """
        delta = self._store.tables.metric_delta
        if not waits(self._store, delta, most, older_than_s):
            return Folded()
        with self._store.write() as connection:
            hold_lock(connection, self._store.tables, FOLD_LOCK)
            ids, payloads = oldest(connection, delta, most)
            if not ids or not delete_exactly(connection, delta, ids):
                connection.rollback()
                return Folded()
            found = arrivals(map(unpack_delta, payloads))
            states = load_states(connection, self._store.tables, found.points)
            minutes = minutes_around(now_us())
            done = absorbed(found, states, minutes)
            self._put_all_states(connection, done)
            self._add_minutes(connection, done)
            timely = [one for one in found.exemplars if one.time_ns // MINUTE_NS in minutes]
            self._add_exemplars(connection, timely)
        return Folded(
            len(ids),
            sum(added.duplicates for _, added in done.values()),
            sum(added.late for _, added in done.values()),
        )

    def drop_oldest(self) -> int:
        """Delete the oldest delta, which cannot be folded; how many points it had."""
        delta = self._store.tables.metric_delta
        with self._store.write() as connection:
            hold_lock(connection, self._store.tables, FOLD_LOCK)
            query = select(delta.c.id, delta.c.count).order_by(delta.c.id).limit(1)
            row = connection.execute(query).first()
            if row is None or not delete_exactly(connection, delta, [row.id]):
                connection.rollback()
                return 0
        return int(row[1])

    def _put_all_states(
        self, connection: Connection, done: Mapping[SeriesKey, tuple[SeriesState, Added]]
    ) -> None:
        rows = [
            (*key, state.last_ns // 1000, pack_state(state))
            for key, (state, _) in sorted(done.items(), key=lambda item: item[0])
        ]
        self._run_many(connection, self._put_states, rows)

    def _add_minutes(
        self, connection: Connection, done: Mapping[SeriesKey, tuple[SeriesState, Added]]
    ) -> None:
        by_hour: defaultdict[tuple[int, int], dict[int, Added]] = defaultdict(dict)
        for (metric, series), (_, added) in done.items():
            minutes = added.slots.keys() | added.before.keys()
            for hour in {minute // MINUTES_PER_HOUR for minute in minutes}:
                by_hour[hour, metric][series] = added
        for (hour, metric), found in sorted(by_hour.items()):
            packed = packed_rows(
                connection, self._store.tables, GRAIN_HOUR, metric, hour, hour + 1, list(found)
            )
            known = {series: payload for _, series, payload in packed}
            rows = [
                (GRAIN_HOUR, hour, metric, series, _merged(known.get(series), added, hour))
                for series, added in sorted(found.items())
            ]
            self._run_many(connection, self._put_open, rows)
        self._mark(connection, by_hour)

    def _known_exemplars(
        self, connection: Connection, hour: int, metric: int, series: Iterable[int]
    ) -> dict[int, bytes]:
        table = self._store.tables.metric_exemplar
        query = select(table.c.series_id, table.c.payload).where(
            table.c.hour == hour, table.c.metric_id == metric
        )
        wanted = set(series)
        rows = connection.execute(query)
        return {row.series_id: row.payload for row in rows if row.series_id in wanted}

    def _mark(self, connection: Connection, changed: Iterable[tuple[int, int]]) -> None:
        """Note that the quarters of these hours and metrics are to be made anew."""
        table = self._store.tables.metric_unrolled
        hours = sorted({hour for hour, _ in changed})
        if not hours:
            return
        query = select(table.c.period, table.c.metric_id).where(
            table.c.grain == GRAIN_HOUR, table.c.period.in_(hours)
        )
        known = {(row.period, row.metric_id) for row in connection.execute(query)}
        new = [
            {"grain": GRAIN_HOUR, "period": hour, "metric_id": metric}
            for hour, metric in sorted(set(changed) - known)
        ]
        if new:
            connection.execute(table.insert(), new)

    def _add_exemplars(self, connection: Connection, exemplars: Sequence[StoredExemplar]) -> None:
        found: defaultdict[tuple[int, int], defaultdict[int, list[StoredExemplar]]]
        found = defaultdict(lambda: defaultdict(list))
        for one in exemplars:
            found[one.time_ns // _HOUR_NS, one.metric_id][one.series_id].append(one)
        for (hour, metric), series in sorted(found.items(), key=lambda item: item[0]):
            known = self._known_exemplars(connection, hour, metric, series)
            rows = []
            for number, ones in sorted(series.items()):
                every = {*unpack_exemplars(known.get(number, b"")), *ones}
                newest = sorted(every, key=lambda one: one.time_ns)[-_MOST_EXEMPLARS:]
                rows.append((hour, metric, number, pack_exemplars(newest)))
            self._run_many(connection, self._put_exemplars, rows)


def _merged(packed: bytes | None, added: Added, hour: int) -> bytes:
    """The minutes of an hour with what was added to them."""
    slots = {} if packed is None else unpack(packed)
    for minute, slot in added.before.items():
        if minute // MINUTES_PER_HOUR == hour:
            slots[minute % MINUTES_PER_HOUR] = _joined(slot, slots.get(minute % MINUTES_PER_HOUR))
    for minute, slot in added.slots.items():
        if minute // MINUTES_PER_HOUR == hour:
            known = slots.get(minute % MINUTES_PER_HOUR)
            slots[minute % MINUTES_PER_HOUR] = slot if known is None else known.plus(slot)
    return pack(slots, MINUTES_PER_HOUR)


def _joined(first: Slot, then: Slot | None) -> Slot:
    return first if then is None else first.plus(then)
