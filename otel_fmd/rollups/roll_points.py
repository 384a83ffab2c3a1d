"""From minutes to quarters of an hour, from those to days, once they are over.

Each step is one transaction for one metric and one hour, or day. It makes the coarser slots anew
from the finer ones, so that doing it twice changes nothing, and a point that comes late has it
done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, Table, delete, func, select

from otel_fmd.analysis.point_rows import (
    MINUTES_PER_HOUR,
    QUARTERS_PER_DAY,
    Slot,
    pack,
    sealed,
    total_of,
    unpack,
)
from otel_fmd.config.settings import MINUTE_DAYS
from otel_fmd.rollups.steps import hold_lock
from otel_fmd.store.metric_tables import FOLD_LOCK, GRAIN_DAY, GRAIN_HOUR
from otel_fmd.store.packed_points import packed_rows
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_HOURS_PER_DAY, _QUARTERS_PER_HOUR, _MINUTES_PER_QUARTER = 24, 4, 15
IDLE_DAYS = 400
"""Days after its last point that a series is forgotten."""
_CHUNK = 400
_SETTLED_US = 120_000_000
"""How long after its end a period is rolled: what comes in the next minutes is then among it."""


class PointRoller:
    """Rolls up and removes the packed rows of one store.

    Args:
        store: the database.
        quarter_days: how long quarters are kept.
    """

    def __init__(self, store: Store, quarter_days: float = 30.0) -> None:
        self._store = store
        self._quarter_days = quarter_days
        make = Statements(store)
        self._run_many = store.database.run_many
        tables, replace = store.tables, {"payload": "replace"}
        row = ("metric_id", "series_id", "payload")
        self._put_minutes = make.upsert(tables.metric_minute, ("hour", *row), replace)
        self._put_open = make.upsert(tables.metric_open, ("grain", "period", *row), replace)
        self._put_quarters = make.upsert(tables.metric_quarter, ("day", *row), replace)
        self._put_days = make.upsert(tables.metric_day, ("day", *row), replace)

    def roll(self, most: int, at_us: int | None = None) -> int:
        """Do at most so many steps; how many were done."""
        now = now_us() if at_us is None else at_us
        done = 0
        for grain, length_us, step in (
            (GRAIN_HOUR, _HOUR_US, self._roll_hour),
            (GRAIN_DAY, _DAY_US, self._roll_day),
        ):
            bound = (now - _SETTLED_US) // length_us
            for period, metric in self._over(grain, bound, most - done):
                done += self._step(grain, period, metric, step)
        return done

    def _over(self, grain: int, bound: int, most: int) -> list[tuple[int, int]]:
        """(period, metric) of what is to be rolled: periods that are over, the earliest first."""
        mark = self._store.tables.metric_unrolled.c
        query = select(mark.period, mark.metric_id).where(mark.grain == grain, mark.period < bound)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(mark.period, mark.metric_id).limit(most))
            return [(row.period, row.metric_id) for row in rows]

    def _step(
        self, grain: int, period: int, metric: int, roll: Callable[[Connection, int, int], None]
    ) -> int:
        mark = self._store.tables.metric_unrolled
        with self._store.write() as connection:
            hold_lock(connection, self._store.tables, FOLD_LOCK)
            removed = connection.execute(
                delete(mark).where(
                    mark.c.grain == grain, mark.c.period == period, mark.c.metric_id == metric
                )
            )
            if not removed.rowcount:
                return 0
            roll(connection, period, metric)
        return 1

    def _take_open(
        self, connection: Connection, grain: int, period: int, metric: int
    ) -> list[tuple[int, bytes]]:
        """The open rows of a metric in a period, by series; they are deleted."""
        table = self._store.tables.metric_open
        chosen = (
            table.c.grain == grain,
            table.c.period == period,
            table.c.metric_id == metric,
        )
        query = select(table.c.series_id, table.c.payload).where(*chosen)
        rows = connection.execute(query.order_by(table.c.series_id)).all()
        connection.execute(delete(table).where(*chosen))
        return [(row.series_id, row.payload) for row in rows]

    def _roll_hour(self, connection: Connection, hour: int, metric: int) -> None:
        minutes = self._take_open(connection, GRAIN_HOUR, hour, metric)
        if not minutes:
            return
        day, first = hour // _HOURS_PER_DAY, hour % _HOURS_PER_DAY * _QUARTERS_PER_HOUR
        packed = packed_rows(connection, self._store.tables, GRAIN_DAY, metric, day, day + 1)
        known = {series: payload for _, series, payload in packed}
        rows = []
        for series, payload in minutes:
            slots = unpack(known[series]) if series in known else {}
            for place in range(first, first + _QUARTERS_PER_HOUR):
                slots.pop(place, None)
            slots.update(_quarters(unpack(payload), first))
            rows.append((GRAIN_DAY, day, metric, series, pack(slots, QUARTERS_PER_DAY)))
        self._run_many(connection, self._put_open, rows)
        done = [(hour, metric, series, sealed(payload)) for series, payload in minutes]
        self._run_many(connection, self._put_minutes, done)
        self._mark_day(connection, day, metric)

    def _mark_day(self, connection: Connection, day: int, metric: int) -> None:
        mark = self._store.tables.metric_unrolled
        one = {"grain": GRAIN_DAY, "period": day, "metric_id": metric}
        query = select(func.count()).select_from(mark)
        for column, value in one.items():
            query = query.where(mark.c[column] == value)
        if not connection.execute(query).scalar_one():
            connection.execute(mark.insert().values(**one))

    def _roll_day(self, connection: Connection, day: int, metric: int) -> None:
        days, done = [], []
        for series, payload in self._take_open(connection, GRAIN_DAY, day, metric):
            total = total_of(slot for _, slot in sorted(unpack(payload).items()))
            if total is not None:
                days.append((day, metric, series, sealed(pack({0: total}, 1))))
            done.append((day, metric, series, sealed(payload)))
        self._run_many(connection, self._put_days, days)
        self._run_many(connection, self._put_quarters, done)

    def remove_old(self, at_us: int | None = None) -> dict[str, int]:
        """Delete minutes, exemplars and quarters that are past their days; how many rows."""
        now = now_us() if at_us is None else at_us
        hour = (now - MINUTE_DAYS * _DAY_US) // _HOUR_US
        day = (now - int(self._quarter_days * _DAY_US)) // _DAY_US
        tables = self._store.tables
        return {
            "minutes": self.remove_before(tables.metric_minute, hour),
            "exemplars": self.remove_before(tables.metric_exemplar, hour),
            "quarters": self.remove_before(tables.metric_quarter, day),
            "series": self._remove_idle(now - IDLE_DAYS * _DAY_US),
        }

    def _remove_idle(self, before_us: int) -> int:
        """Forget series without points since then: worker processes come and go."""
        tables = self._store.tables
        state, series = tables.metric_state, tables.metric_series
        query = select(state.c.metric_id, state.c.series_id).where(state.c.last_us < before_us)
        removed = 0
        while True:
            with self._store.write() as connection:
                hold_lock(connection, tables, FOLD_LOCK)
                found = connection.execute(query.limit(_CHUNK)).all()
                for metric_id, series_id in found:
                    for table, column in ((state, "series_id"), (series, "id")):
                        connection.execute(
                            delete(table).where(
                                table.c.metric_id == metric_id, table.c[column] == series_id
                            )
                        )
            removed += len(found)
            if len(found) < _CHUNK:
                return removed

    def remove_before(self, table: Table, bound: int) -> int:
        """Delete the packed rows of periods before this one, a metric and a period at a time."""
        period = table.c[0]
        removed = 0
        while True:
            with self._store.read() as connection:
                oldest = connection.execute(
                    select(period, table.c.metric_id)
                    .where(period < bound)
                    .order_by(period, table.c.metric_id)
                    .limit(1)
                ).first()
            if oldest is None:
                return removed
            with self._store.write() as connection:
                removed += connection.execute(
                    delete(table).where(period == oldest[0], table.c.metric_id == oldest[1])
                ).rowcount


def _quarters(minutes: Mapping[int, Slot], first: int) -> dict[int, Slot]:
    """The quarters of an hour, by their place in the day."""
    found: dict[int, Slot] = {}
    for quarter in range(MINUTES_PER_HOUR // _MINUTES_PER_QUARTER):
        total = total_of(_between(minutes, quarter * _MINUTES_PER_QUARTER))
        if total is not None:
            found[first + quarter] = total
    return found


def _between(minutes: Mapping[int, Slot], start: int) -> Iterable[Slot]:
    places = range(start, start + _MINUTES_PER_QUARTER)
    return [minutes[place] for place in places if place in minutes]
