"""Recounting: what the rollups should be according to the rows, differences, and repair.

Sums are integers, so a correct database has no differences at all. Hours before the oldest kept
request (pruning) are not compared: their rows are gone, their rollups stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select

from otel_fmd.analysis import histogram
from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY, Rollup, Tally
from otel_fmd.rollups.callers import caller_counts
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.signals.semconv import UNKNOWN_VERSION
from otel_fmd.store.delta import NO_STATUS
from otel_fmd.store.pending import pending_rollup
from otel_fmd.store.settings import PRUNED_BEFORE, get_setting
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables
from otel_fmd.store.times import unix_us

_CHUNK = 20_000

Progress = Callable[[int], None]


class Difference(NamedTuple):
    """A rollup that is not what the rows say; None where one side has nothing."""

    table: str
    key: tuple[int, ...]
    stored: object
    counted: object


class RowColumns(NamedTuple):
    """Requests as columns, for `Rollup.add`, with their users and addresses."""

    endpoint_ids: list[int]
    version_ids: list[int]
    status_codes: list[int]
    starts_us: list[int]
    durations_ns: list[int]
    users: list[str]
    addresses: list[str]
    last_id: int


def request_columns(
    connection: Connection, tables: Tables, after_id: int = 0, up_to_id: int | None = None
) -> Iterator[RowColumns]:
    """All requests in the order of their ids, in chunks."""
    request, version = tables.request.c, tables.version.c
    versions = {r.name: r.id for r in connection.execute(select(version.name, version.id))}
    while True:
        query = (
            select(
                request.id,
                request.endpoint_id,
                request.version_requested,
                request.status_code,
                request.time_requested,
                request.duration,
                request.group_by,
                request.ip,
            )
            .where(request.id > after_id)
            .order_by(request.id)
            .limit(_CHUNK)
        )
        if up_to_id is not None:
            query = query.where(request.id <= up_to_id)
        rows = connection.execute(query).all()
        if not rows:
            return
        after_id = rows[-1].id
        usable = [row for row in rows if row.time_requested is not None and row.endpoint_id]
        yield RowColumns(
            [row.endpoint_id for row in usable],
            [versions.get(row.version_requested or UNKNOWN_VERSION, 0) for row in usable],
            [NO_STATUS if row.status_code is None else row.status_code for row in usable],
            [unix_us(row.time_requested) for row in usable],
            [max(0, round(row.duration * 1e6)) for row in usable],
            [row.group_by or "" for row in usable],
            [row.ip or "" for row in usable],
            after_id,
        )
        if len(rows) < _CHUNK:
            return


def check(store: Store, progress: Progress | None = None) -> list[Difference]:
    """Differences between rollups (with pending deltas) and rows; none in a right database."""
    with store.read() as connection:
        pruned_hour = _pruned_hour(connection, store.tables)
        counted = _recount(connection, store.tables, pruned_hour, progress)
        return list(_differences(connection, store.tables, counted, pruned_hour))


def repair(store: Store, folder: DeltaFolder, progress: Progress | None = None) -> None:
    """Replace the rollups by what the rows say, in one transaction that sees one state.

    Ingest goes on in PostgreSQL and MariaDB; in SQLite it waits. Users and addresses are recounted
    only when no rows were pruned, because they cover all time.
    """
    tables = store.tables
    with store.write(snapshot=True) as connection:
        folder.lock(connection)
        pruned_hour = _pruned_hour(connection, tables)
        for table in (tables.delta, tables.caller_delta):
            ids = connection.execute(select(table.c.id)).scalars().all()
            for start in range(0, len(ids), 400):
                connection.execute(delete(table).where(table.c.id.in_(ids[start : start + 400])))
        first_day = -(-pruned_hour // HOURS_PER_DAY)
        for table in (tables.hour_count, tables.hour_histogram):
            connection.execute(delete(table).where(table.c.hour >= first_day * HOURS_PER_DAY))
        for table in (tables.day_count, tables.day_histogram):
            connection.execute(delete(table).where(table.c.day >= first_day))
        if pruned_hour == 0:
            connection.execute(delete(tables.caller_histogram))
        for columns in request_columns(connection, tables):
            kept = Rollup()
            kept.add(*columns[:5])
            kept = _from_day(kept, first_day)
            folder.add(connection, kept)
            if pruned_hour == 0:
                folder.add_callers(connection, caller_counts([columns]))
            if progress is not None:
                progress(len(columns.endpoint_ids))


def _pruned_hour(connection: Connection, tables: Tables) -> int:
    return -(-int(get_setting(connection, tables, PRUNED_BEFORE) or 0) // HOUR_US)


def _recount(
    connection: Connection, tables: Tables, pruned_hour: int, progress: Progress | None
) -> Rollup:
    counted = Rollup()
    for columns in request_columns(connection, tables):
        counted.add(*columns[:5])
        if progress is not None:
            progress(len(columns.endpoint_ids))
    return _from_day(counted, -(-pruned_hour // HOURS_PER_DAY))


def _from_day(rollup: Rollup, first_day: int) -> Rollup:
    """Only what is of whole days after pruning."""
    first_hour = first_day * HOURS_PER_DAY
    if first_hour == 0:
        return rollup
    kept = Rollup(seen=rollup.seen)
    kept.hours = {key: tally for key, tally in rollup.hours.items() if key[0] >= first_hour}
    kept.buckets.update({key: n for key, n in rollup.buckets.items() if key[0] >= first_hour})
    return kept


def _differences(
    connection: Connection, tables: Tables, counted: Rollup, pruned_hour: int
) -> Iterator[Difference]:
    first_day = -(-pruned_hour // HOURS_PER_DAY)
    pending = _from_day(pending_rollup(connection, tables), first_day)
    for table, mine, waiting, first in (
        (tables.hour_count, counted.hours, pending.hours, first_day * HOURS_PER_DAY),
        (tables.day_count, counted.days(), pending.days(), first_day),
    ):
        stored = {
            tuple(row[:4]): Tally(int(row[4]), int(row[5]), row[6], row[7], 0, 0)
            for row in connection.execute(select(table).where(table.c[0] >= first))
        }
        for key, tally in waiting.items():
            if key in stored:
                stored[key].merge(tally)
            else:
                stored[key] = tally
        yield from _compare(table.name, _plain(stored), _plain(mine))
    oldest = min((key[0] for key in _hours_kept(connection, tables)), default=0)
    for table, found, waiting_buckets, first in (
        (
            tables.hour_histogram,
            {k: v for k, v in counted.hour_histograms().items() if k[0] >= oldest},
            pending.hour_histograms(),
            max(oldest, first_day * HOURS_PER_DAY),
        ),
        (tables.day_histogram, counted.day_histograms(), pending.day_histograms(), first_day),
    ):
        packed: dict[Any, dict[int, int]] = {
            tuple(row[:3]): histogram.unpack(row[3])
            for row in connection.execute(select(table).where(table.c[0] >= first))
        }
        for key3, buckets in waiting_buckets.items():
            slot = packed.setdefault(key3, {})
            for bucket, number in buckets.items():
                slot[bucket] = slot.get(bucket, 0) + number
        yield from _compare(table.name, packed, found)


def _hours_kept(connection: Connection, tables: Tables) -> list[tuple[int]]:
    hour = tables.hour_histogram.c.hour
    row = connection.execute(select(hour).order_by(hour).limit(1)).first()
    return [] if row is None else [(row[0],)]


def _plain(tallies: dict[Any, Tally]) -> dict[Any, tuple[int, int, int, int]]:
    return {k: (t.count, t.sum_ns, t.min_ns, t.max_ns) for k, t in tallies.items()}


def _compare(name: str, stored: dict[Any, Any], counted: dict[Any, Any]) -> Iterator[Difference]:
    for key in sorted(stored.keys() | counted.keys()):
        if stored.get(key) != counted.get(key):
            yield Difference(name, key, stored.get(key), counted.get(key))
