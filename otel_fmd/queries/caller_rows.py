"""Users and addresses of an endpoint over all of time, by name.

Exact from rows up to `MOST_CALLER_ROWS` requests of the endpoint, else from rollups, which keep a
limited number of names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select

from otel_fmd.analysis.callers import OTHERS
from otel_fmd.analysis.distribution import Counts
from otel_fmd.analysis.spread import spread, spread_of_counts
from otel_fmd.queries.counts import one_of, total
from otel_fmd.queries.latency import (
    MOST_CALLER_ROWS,
    by_caller,
    caller_counts,
    caller_distributions,
)
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.semconv import UNKNOWN_VERSION
from otel_fmd.store.kinds import USER

Name = str | None
"""A user or an address; None is a request without one."""


class CallerSample(NamedTuple):
    """Durations (ms) that stand for all of a caller's, and their first request, if it is known."""

    values: list[float]
    first: datetime | None


def caller_hits(
    snapshot: Snapshot, endpoint_id: int, kind: int, most: int
) -> list[tuple[Name, int]]:
    """Callers with their requests, most first; at most so many."""
    if are_exact(snapshot, endpoint_id):
        request = snapshot.tables.request.c
        who = _column(snapshot, kind)
        number = func.count(request.id)
        query = (
            select(who, number)
            .where(request.endpoint_id == endpoint_id)
            .group_by(who)
            .order_by(number.desc(), who.desc())
            .limit(most)
        )
        return [(name, int(hits)) for name, hits in snapshot.connection.execute(query)]
    found = caller_distributions(snapshot, endpoint_id, kind).found
    hits = [(name or None, one.count) for (_, name), one in found.items() if name != OTHERS]
    # Equal ones in the order of FMD.
    hits.sort(key=lambda pair: pair[0] or "", reverse=True)
    return sorted(hits, key=lambda pair: -pair[1])[:most]


def caller_samples(
    snapshot: Snapshot, endpoint_id: int, kind: int, names: Sequence[Name], most: int
) -> dict[Name, CallerSample]:
    """Durations of these callers, at most so many for each."""
    if not are_exact(snapshot, endpoint_id):
        merged: dict[Name, Counts] = {}
        for (_, name), counts in caller_counts(snapshot, endpoint_id, kind).items():
            key = name or None
            merged[key] = merged[key] + counts if key in merged else counts
        return {
            name: CallerSample(spread_of_counts(merged[name], most), None)
            for name in names
            if name in merged
        }
    values: dict[Name, list[float]] = {}
    first: dict[Name, datetime] = {}
    for row in _rows(snapshot, endpoint_id, kind, names):
        values.setdefault(row.who, []).append(row.duration)
        if row.time_requested is not None:
            first[row.who] = min(first.get(row.who, row.time_requested), row.time_requested)
    return {
        name: CallerSample(spread(all_, most), first.get(name)) for name, all_ in values.items()
    }


def caller_medians(
    snapshot: Snapshot, endpoint_id: int, kind: int, names: Sequence[Name]
) -> dict[tuple[Name, str], float]:
    """Median durations (ms) by caller and version."""
    if not are_exact(snapshot, endpoint_id):
        wanted = set(names)
        return {
            (who or None, snapshot.versions.get(version, "")): one.median
            for (version, who), one in by_caller(snapshot, endpoint_id, kind).found.items()
            if (who or None) in wanted
        }
    values: dict[tuple[Name, str], list[float]] = {}
    for row in _rows(snapshot, endpoint_id, kind, names):
        key = (row.who, row.version_requested or UNKNOWN_VERSION)
        values.setdefault(key, []).append(row.duration)
    return {key: float(median(all_)) for key, all_ in values.items()}


def are_exact(snapshot: Snapshot, endpoint_id: int) -> bool:
    """Whether the callers of an endpoint are read from rows."""
    return total(snapshot, Selection(endpoint_ids=[endpoint_id])) <= MOST_CALLER_ROWS


def _column(snapshot: Snapshot, kind: int) -> ColumnElement[Any]:
    request = snapshot.tables.request.c
    found: ColumnElement[Any] = (request.group_by if kind == USER else request.ip).label("who")
    return found


def _rows(snapshot: Snapshot, endpoint_id: int, kind: int, names: Collection[Name]) -> Any:
    request = snapshot.tables.request.c
    who = request.group_by if kind == USER else request.ip
    wanted = one_of(who, [name for name in names if name is not None])
    if None in names:
        wanted = or_(wanted, who.is_(None))
    query = select(
        who.label("who"), request.version_requested, request.duration, request.time_requested
    ).where(request.endpoint_id == endpoint_id, wanted)
    return snapshot.connection.execute(query)
