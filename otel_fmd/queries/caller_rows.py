"""Users and addresses of an endpoint over all of time, by name.

Exact from rows up to `MOST_CALLER_ROWS` requests of the endpoint, else from rollups, which keep a
limited number of names.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Callers:
    """The users, or the addresses, of an endpoint over all of time.

    Args:
        snapshot: where to look.
        endpoint_id: the endpoint.
        kind: `USER` or `ADDRESS`.
    """

    def __init__(self, snapshot: Snapshot, endpoint_id: int, kind: int) -> None:
        self._snapshot, self._endpoint_id, self._kind = snapshot, endpoint_id, kind
        self.is_exact = total(snapshot, Selection(endpoint_ids=[endpoint_id])) <= MOST_CALLER_ROWS
        """Whether they are read from rows."""
        request = snapshot.tables.request.c
        self._column: ColumnElement[Any] = request.group_by if kind == USER else request.ip
        self._caller = self._column.label("caller")

    def hits(self, most: int) -> list[tuple[Name, int]]:
        """Their requests, most first; at most so many."""
        snapshot, request = self._snapshot, self._snapshot.tables.request.c
        if self.is_exact:
            number = func.count(request.id)
            query = (
                select(self._caller, number)
                .where(request.endpoint_id == self._endpoint_id)
                .group_by(self._caller)
                .order_by(number.desc(), self._caller.desc())
                .limit(most)
            )
            return [(name, int(hits)) for name, hits in snapshot.connection.execute(query)]
        found = caller_distributions(snapshot, self._endpoint_id, self._kind).found
        hits = [(name or None, one.count) for (_, name), one in found.items() if name != OTHERS]
        # Equal ones in the order of FMD.
        hits.sort(key=lambda pair: pair[0] or "", reverse=True)
        return sorted(hits, key=lambda pair: -pair[1])[:most]

    def samples(self, names: Sequence[Name], most: int) -> dict[Name, CallerSample]:
        """Durations of these, at most so many for each."""
        if not self.is_exact:
            merged: dict[Name, Counts] = {}
            found = caller_counts(self._snapshot, self._endpoint_id, self._kind)
            for (_, name), counts in found.items():
                key = name or None
                merged[key] = merged[key] + counts if key in merged else counts
            return {
                name: CallerSample(spread_of_counts(merged[name], most), None)
                for name in names
                if name in merged
            }
        values: dict[Name, list[float]] = {}
        first: dict[Name, datetime] = {}
        for row in self._rows(names):
            values.setdefault(row.caller, []).append(row.duration)
            if row.time_requested is not None:
                known = first.get(row.caller, row.time_requested)
                first[row.caller] = min(known, row.time_requested)
        return {
            name: CallerSample(spread(all_, most), first.get(name)) for name, all_ in values.items()
        }

    def medians(self, names: Sequence[Name]) -> dict[tuple[Name, str], float]:
        """Their median durations (ms) by caller and version."""
        snapshot = self._snapshot
        if not self.is_exact:
            wanted = set(names)
            found = by_caller(snapshot, self._endpoint_id, self._kind).found
            return {
                (caller or None, snapshot.versions.get(version, "")): one.median
                for (version, caller), one in found.items()
                if (caller or None) in wanted
            }
        values: dict[tuple[Name, str], list[float]] = {}
        for row in self._rows(names):
            key = (row.caller, row.version_requested or UNKNOWN_VERSION)
            values.setdefault(key, []).append(row.duration)
        return {key: float(median(all_)) for key, all_ in values.items()}

    def _rows(self, names: Sequence[Name]) -> Any:
        request = self._snapshot.tables.request.c
        wanted = one_of(self._column, [name for name in names if name is not None])
        if None in names:
            wanted = or_(wanted, self._column.is_(None))
        query = select(
            self._caller, request.version_requested, request.duration, request.time_requested
        ).where(request.endpoint_id == self._endpoint_id, wanted)
        return self._snapshot.connection.execute(query)
