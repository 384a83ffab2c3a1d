"""Compacting what batches append about exceptions: counts, users, and the bodies received.

Counts are appended by every batch. After ten minutes all of a minute become one row for each
variant, endpoint and version; after three days those of a quarter of an hour, after 90 days those
of a day (UTC). Readers add up rows of any age, so that figures never change by it.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from otel_fmd.rollups.steps import delete_exactly, hold_lock
from otel_fmd.store.exceptions import ALL_GRAINS, DAY, MINUTE, QUARTER
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_LOCK_ID = 3
_MINUTE_US = 60_000_000
_DAY_MINUTES = 1_440
_MOST_PERIODS = 200
"""Periods that are compacted in one call, each in a transaction of its own."""
_CHUNK = 400
_BODIES_US = 3_600_000_000
"""How long a body is known: clients give up sending it again long before."""
_MOST_BODIES = 5_000


class _Grain(NamedTuple):
    """A grain: its number in the table, its minutes, and the age from which rows have it."""

    number: int
    minutes: int
    from_age: int


_GRAINS = (
    _Grain(MINUTE, 1, 10),
    _Grain(QUARTER, 15, 3 * _DAY_MINUTES),
    _Grain(DAY, _DAY_MINUTES, 90 * _DAY_MINUTES),
)


class ExceptionCompactor:
    """Compacts the rows of one store.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = store.tables.exception_count

    def compact(self, at_us: int | None = None) -> int:
        """Compact what is old enough; how many periods were."""
        now = now_us() if at_us is None else at_us
        done = 0
        for grain in _GRAINS:
            end = (now // _MINUTE_US - grain.from_age) // grain.minutes * grain.minutes
            while done < _MOST_PERIODS and self._compact_first(grain, end):
                done += 1
        self._forget_bodies(now - _BODIES_US)
        self._merge_users()
        return done

    def _compact_first(self, grain: _Grain, end: int) -> bool:
        """Compact the first period before a minute that has finer rows; False if none has."""
        column = self._count.c
        finer = [number for number in ALL_GRAINS if number < grain.number]
        oldest = select(func.min(column.minute)).where(column.grain.in_(finer), column.minute < end)
        with self._store.read() as connection:
            minute = connection.execute(oldest).scalar()
        if minute is None:
            return False
        start = minute // grain.minutes * grain.minutes
        with self._store.write() as connection:
            hold_lock(connection, self._store.tables, _LOCK_ID)
            if not self._compact_period(connection, grain, start):
                connection.rollback()
        return True

    def _compact_period(self, connection: Connection, grain: _Grain, start: int) -> bool:
        column = self._count.c
        rows = connection.execute(
            select(
                column.id,
                column.variant_id,
                column.endpoint_id,
                column.version_id,
                column.count.label("number"),
                column.first_us,
                column.last_us,
            ).where(
                column.grain.in_([n for n in ALL_GRAINS if n <= grain.number]),
                column.minute >= start,
                column.minute < start + grain.minutes,
            )
        ).all()
        sums: dict[tuple[int, int, int], list[int]] = {}
        for row in rows:
            key = (row.variant_id, row.endpoint_id, row.version_id)
            one = sums.setdefault(key, [0, row.first_us, row.last_us])
            one[0] += row.number
            one[1], one[2] = min(one[1], row.first_us), max(one[2], row.last_us)
        if not delete_exactly(connection, self._count, [row.id for row in rows]):
            return False
        values = [
            {
                "grain": grain.number,
                "minute": start,
                "variant_id": variant,
                "endpoint_id": endpoint,
                "version_id": version,
                "count": count,
                "first_us": first,
                "last_us": last,
            }
            for (variant, endpoint, version), (count, first, last) in sorted(sums.items())
            if count
        ]
        if values:
            connection.execute(insert(self._count), values)
        return True

    def _merge_users(self) -> None:
        """Remove users that several processes appended to the same variant."""
        user = self._store.tables.exception_user
        column = user.c
        twice = (
            select(column.variant_id, column.name, func.min(column.id).label("first"))
            .group_by(column.variant_id, column.name)
            .having(func.count() > 1)
            .limit(_CHUNK)
        )
        with self._store.read() as connection:
            found = connection.execute(twice).all()
        for row in found:
            with self._store.write() as connection:
                connection.execute(
                    delete(user).where(
                        column.variant_id == row.variant_id,
                        column.name == row.name,
                        column.id > row.first,
                    )
                )

    def _forget_bodies(self, before_us: int) -> None:
        body = self._store.tables.received_body
        old = select(body.c.digest).where(body.c.time_us < before_us).limit(_MOST_BODIES)
        with self._store.read() as connection:
            digests = connection.execute(old).scalars().all()
        for start in range(0, len(digests), _CHUNK):
            with self._store.write() as connection:
                chunk = digests[start : start + _CHUNK]
                connection.execute(delete(body).where(body.c.digest.in_(chunk)))
