"""Request counts and total durations, by any part of the key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, func, or_, select

from otel_fmd.analysis.rollup import HOURS_PER_DAY
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot

_PARTS = ("period", "endpoint_id", "version_id", "status_code")
_MANY = 400


class Sum(NamedTuple):
    """Number of requests and their total duration in nanoseconds."""

    number: int
    sum_ns: int


def sums(
    snapshot: Snapshot,
    selection: Selection,
    by: Sequence[str],
    *,
    hours_per_period: int = 0,
    offset_hours: int = 0,
) -> dict[tuple[int, ...], Sum]:
    """Sums of the selected requests, grouped by parts of the key.

    Args:
        snapshot: where to look.
        selection: what to count.
        by: names out of `period`, `endpoint_id`, `version_id`, `status_code` (0: no status).
        hours_per_period: length of a period, for `period`: 1 for hours, 24 for days.
        offset_hours: added to the hour before periods are made, for days of another time zone.

    Returns:
        Keys in the order of `by`; a period is `(hour since 1970 + offset) // hours_per_period`.
    """
    found: dict[tuple[int, ...], list[int]] = {}
    tables = snapshot.tables
    by_days = "period" not in by or (hours_per_period == HOURS_PER_DAY and offset_hours == 0)
    ranges = [(tables.hour_count, selection.start_hour, selection.end_hour)]
    if by_days:
        first, last = selection.whole_days
        ranges = [(tables.hour_count, start, end) for start, end in selection.edge_hours]
        if first < last:
            ranges.append((tables.day_count, first, last))
    for table, start, end in ranges:
        time = table.c[0]
        if table is tables.day_count:
            period: Any = time
        elif hours_per_period <= 1:
            period = time + offset_hours if offset_hours else time
        else:
            period = (time + offset_hours) // hours_per_period
        columns = [period.label("period") if name == "period" else table.c[name] for name in by]
        query = (
            select(*columns, func.sum(table.c.count), func.sum(table.c.sum_ns))
            .where(time >= start, time < end, *narrow(table, selection))
            .group_by(*columns)
        )
        for row in snapshot.connection.execute(query):
            if row[-1] is not None:
                _add(found, tuple(int(part) for part in row[:-2]), int(row[-2]), int(row[-1]))
    places = [_PARTS.index(name) for name in by]
    for (hour, endpoint, version, status), tally in snapshot.pending.hours.items():
        if selection.has(hour, endpoint, version):
            group = (hour + offset_hours) // hours_per_period if hours_per_period else hour
            parts = (group, endpoint, version, status)
            _add(found, tuple(parts[place] for place in places), tally.count, tally.sum_ns)
    return {key: Sum(number, sum_ns) for key, (number, sum_ns) in found.items()}


def total(snapshot: Snapshot, selection: Selection) -> int:
    """The number of selected requests."""
    return sum(one.number for one in sums(snapshot, selection, ()).values())


def narrow(table: Table, selection: Selection) -> list[ColumnElement[bool]]:
    """Conditions for the endpoints and versions of a selection."""
    conditions: list[ColumnElement[bool]] = []
    for name, wanted in (
        ("endpoint_id", selection.endpoint_ids),
        ("version_id", selection.version_ids),
    ):
        if wanted is not None:
            conditions.append(one_of(table.c[name], list(wanted)))
    return conditions


def one_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """`column IN (values)`, in parts that every engine takes."""
    if len(values) <= _MANY:
        return column.in_(values)
    parts = [column.in_(values[i : i + _MANY]) for i in range(0, len(values), _MANY)]
    return or_(*parts)


def _add(found: dict[tuple[int, ...], list[int]], key: tuple[int, ...], n: int, ns: int) -> None:
    known = found.get(key)
    if known is None:
        found[key] = [n, ns]
    else:
        known[0] += n
        known[1] += ns
