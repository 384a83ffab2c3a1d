"""Requests, errors and durations over time, in steps of hours or of days in UTC."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Table, select

from otel_fmd.analysis.distribution import (
    Counts,
    Distribution,
    add_packed,
    empty_counts,
    from_counts,
)
from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY
from otel_fmd.queries.counts import narrow, sums
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot

_ERRORS = range(400, 600)


class Step(NamedTuple):
    """One step of a series.

    When it begins (unix microseconds), its requests, those with a status from 400 to 599, and the
    distribution of their durations, None without requests.
    """

    start_us: int
    requests: int
    errors: int
    durations: Distribution | None


def time_series(snapshot: Snapshot, selection: Selection, hours: int) -> list[Step]:
    """Every step that has requests, the earliest first.

    Args:
        snapshot: where to look.
        selection: the time, endpoints and versions.
        hours: the length of a step, 1 or 24.
    """
    requests: dict[int, int] = {}
    errors: dict[int, int] = {}
    found = sums(snapshot, selection, ("period", "status_code"), hours_per_period=hours)
    for (period, status), one in found.items():
        requests[period] = requests.get(period, 0) + one.number
        if status in _ERRORS:
            errors[period] = errors.get(period, 0) + one.number
    counts = _histograms(snapshot, selection, hours)
    return [
        Step(
            period * hours * HOUR_US,
            number,
            errors.get(period, 0),
            from_counts(counts[period]) if period in counts else None,
        )
        for period, number in sorted(requests.items())
    ]


def _histograms(snapshot: Snapshot, selection: Selection, hours: int) -> dict[int, Counts]:
    """Counts by bucket of each step."""
    tables = snapshot.tables
    ranges: list[tuple[Table, int, int]] = [
        (tables.hour_histogram, selection.start_hour, selection.end_hour)
    ]
    if hours == HOURS_PER_DAY:
        ranges = [(tables.hour_histogram, start, end) for start, end in selection.edge_hours]
        ranges.append((tables.day_histogram, *selection.whole_days))
    found: dict[int, Counts] = {}
    for table, start, end in ranges:
        per_step = 1 if table is tables.day_histogram else hours
        query = select(table.c[0], table.c.counts).where(
            table.c[0] >= start, table.c[0] < end, *narrow(table, selection)
        )
        for time, packed in snapshot.connection.execute(query):
            add_packed(_slot(found, time // per_step), packed)
    for (hour, endpoint, version, bucket), count in snapshot.pending.buckets.items():
        if selection.has(hour, endpoint, version):
            _slot(found, hour // hours)[bucket + 1] += count
    return found


def _slot(found: dict[int, Counts], period: int) -> Counts:
    slot = found.get(period)
    if slot is None:
        slot = found[period] = empty_counts()
    return slot
