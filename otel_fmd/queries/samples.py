"""Durations that stand for all of a selection: from rows if they are few, else from histograms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.analysis.spread import spread, spread_of_counts
from otel_fmd.queries.counts import total
from otel_fmd.queries.latency import EXACT_ROWS, Key, durations, histograms
from otel_fmd.queries.rows import time_conditions
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.semconv import SWITCHING_PROTOCOLS
from otel_fmd.store.times import naive_utc


class Samples(NamedTuple):
    """Durations in milliseconds, ascending, by key; whether they come from rows."""

    values: dict[Key, list[float]]
    is_exact: bool


class TimedRows(NamedTuple):
    """Durations (ms) and status codes (0: none) of a time, by endpoint."""

    durations: dict[int, list[float]]
    statuses: dict[int, dict[int, int]]


def samples(snapshot: Snapshot, selection: Selection, by: Sequence[str], most: int) -> Samples:
    """At most so many durations for each key; `by` as in `latency.distributions`."""
    if total(snapshot, selection) <= EXACT_ROWS:
        found = durations(snapshot, selection, by)
        return Samples({key: spread(all_, most) for key, all_ in found.items()}, True)
    counts = histograms(snapshot, selection, by)
    return Samples({key: spread_of_counts(all_, most) for key, all_ in counts.items()}, False)


def rows_between(snapshot: Snapshot, start_us: int, end_us: int) -> TimedRows | None:
    """All requests from one moment to another, both included; None if they are too many.

    Args:
        snapshot: where to look.
        start_us: the first moment, in unix microseconds.
        end_us: the last moment.
    """
    hours = Selection.between(start_us, end_us + 1)
    if total(snapshot, hours) > EXACT_ROWS:
        return None
    request = snapshot.tables.request.c
    conditions, _ = time_conditions(snapshot, hours)
    first, last = naive_utc(start_us), naive_utc(end_us)
    query = select(
        request.endpoint_id, request.duration, request.status_code, request.time_requested
    ).where(*conditions)
    found = TimedRows({}, {})
    for endpoint, duration, status, time in snapshot.connection.execute(query):
        if _is_between(time, first, last):
            if status != SWITCHING_PROTOCOLS:
                found.durations.setdefault(endpoint, []).append(duration)
            codes = found.statuses.setdefault(endpoint, {})
            codes[status or 0] = codes.get(status or 0, 0) + 1
    return found


def _is_between(time: datetime | None, first: datetime, last: datetime) -> bool:
    return time is not None and first <= time <= last
