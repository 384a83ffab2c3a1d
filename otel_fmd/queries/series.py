"""Requests, errors and durations over time, in steps of hours or of days in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Table, select

from otel_fmd.analysis.distribution import (
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
    durations = _durations(snapshot, selection, hours)
    return [
        Step(period * hours * HOUR_US, number, errors.get(period, 0), durations.get(period))
        for period, number in sorted(requests.items())
    ]


def _durations(snapshot: Snapshot, selection: Selection, hours: int) -> dict[int, Distribution]:
    """The distribution of each step; one is counted after the other, so that memory is flat."""
    pending = _pending(snapshot, selection, hours)
    found: dict[int, Distribution | None] = {}
    for period, histograms in _histograms(snapshot, selection, hours):
        found[period] = _distribution(histograms, pending.pop(period, {}))
    for period, buckets in pending.items():
        found[period] = _distribution((), buckets)
    return {period: one for period, one in found.items() if one is not None}


def _distribution(histograms: Iterable[bytes], buckets: Mapping[int, int]) -> Distribution | None:
    counts = empty_counts()
    for one in histograms:
        add_packed(counts, one)
    for bucket, count in buckets.items():
        counts[bucket + 1] += count
    return from_counts(counts)


def _pending(snapshot: Snapshot, selection: Selection, hours: int) -> dict[int, dict[int, int]]:
    """Counts by bucket of each step, of requests that are not folded yet."""
    found: dict[int, dict[int, int]] = {}
    for (hour, endpoint, version, bucket), count in snapshot.pending.buckets.items():
        if selection.has(hour, endpoint, version):
            step = found.setdefault(hour // hours, {})
            step[bucket] = step.get(bucket, 0) + count
    return found


def _histograms(
    snapshot: Snapshot, selection: Selection, hours: int
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The packed histograms of each step, to be read before the next step is asked for."""
    tables = snapshot.tables
    ranges: list[tuple[Table, int, int]] = [
        (tables.hour_histogram, selection.start_hour, selection.end_hour)
    ]
    if hours == HOURS_PER_DAY:
        ranges = [(tables.hour_histogram, start, end) for start, end in selection.edge_hours]
        ranges.append((tables.day_histogram, *selection.whole_days))
    for table, start, end in ranges:
        per_step = 1 if table is tables.day_histogram else hours
        time = table.c[0]
        query = select(time, table.c.counts).where(
            time >= start, time < end, *narrow(table, selection)
        )
        rows = (
            (int(when) // per_step, packed)
            for when, packed in snapshot.connection.execute(query.order_by(time))
        )
        for period, ones in groupby(rows, itemgetter(0)):
            yield period, (packed for _, packed in ones)
