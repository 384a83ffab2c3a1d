"""The overview: one row per endpoint (or blueprint), with what FMD shows and how it develops."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from otel_fmd.analysis.distribution import Distribution
from otel_fmd.analysis.rollup import AHEAD_US, HOUR_US
from otel_fmd.queries.counts import Sum, sums
from otel_fmd.queries.future import Future, future, last_before
from otel_fmd.queries.latency import Latencies
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Endpoint, Snapshot
from otel_fmd.queries.versions import known_range

_WEEK_H = 24 * 7
SPARK_HOURS = 24
_EPOCH = datetime(1970, 1, 1)
_LEAST_REQUESTS = 30
_LEAST_CHANGE = 0.1
_LEAST_ERRORS = 0.01
_ERROR_WEIGHT = 4.0
"""Ten points more errors count as much as half as slow again."""


class Hits(NamedTuple):
    """Requests, and those of them with a status from 400 to 599."""

    requests: int
    errors: int

    @property
    def error_rate(self) -> float | None:
        """The share of errors, 0 to 1; None without requests."""
        return self.errors / self.requests if self.requests else None

    def plus(self, other: Hits) -> Hits:
        """Both together."""
        return Hits(self.requests + other.requests, self.errors + other.errors)


NO_HITS = Hits(0, 0)


class OverviewRow(NamedTuple):
    """One endpoint, or all of one blueprint: hits today, in 7 days and overall.

    Hits and durations of the selected time and of the time as long before it.
    """

    endpoints: list[Endpoint]
    today: Hits
    week: Hits
    overall: Hits
    selected: Hits
    before: Hits
    latency: Distribution | None
    latency_before: Distribution | None
    median_overall: float | None
    last_requested: datetime | None
    sparkline: list[int]

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint, or the first of the blueprint's."""
        return self.endpoints[0]

    @property
    def median_change(self) -> float | None:
        """How the median changed (0.5: half as long again); None with too few requests."""
        now, old = self.latency, self.latency_before
        if now is None or old is None or min(now.count, old.count) < _LEAST_REQUESTS:
            return None
        return now.median / old.median - 1 if old.median > 0 else None

    @property
    def error_change(self) -> float | None:
        """How the error rate changed, as a fraction; None with too few requests."""
        now, old = self.selected.error_rate, self.before.error_rate
        enough = min(self.selected.requests, self.before.requests) >= _LEAST_REQUESTS
        return now - old if enough and now is not None and old is not None else None

    @property
    def effects(self) -> tuple[float, float]:
        """How much the median and the error rate changed, on comparable scales.

        Positive is worse, 0 means no notable change.
        """
        median, errors = self.median_change or 0.0, self.error_change or 0.0
        slower = math.log(1 + median) if abs(median) >= _LEAST_CHANGE and median > -1 else 0.0
        return slower, _ERROR_WEIGHT * errors if abs(errors) >= _LEAST_ERRORS else 0.0


class Overview(NamedTuple):
    """Everything of the overview.

    Args:
        rows: one per endpoint or blueprint.
        selected: the selected requests of all of them.
        latency: their durations together.
        hours: the hours of the selected time that have begun.
        future: requests that have not happened yet; they are in no figure of today and this week.
    """

    rows: list[OverviewRow]
    selected: Hits
    latency: Distribution | None
    hours: int
    future: Future

    def changed_most(self, most: int) -> list[OverviewRow]:
        """The rows whose median or error rate changed most from the period before."""

        def size(row: OverviewRow) -> float:
            return max(abs(part) for part in row.effects)

        return sorted((row for row in self.rows if size(row)), key=size, reverse=True)[:most]


def overview(
    snapshot: Snapshot,
    selection: Selection,
    *,
    now_us: int,
    today_us: int,
    by_blueprint: bool = False,
) -> Overview:
    """Everything of the overview.

    Args:
        snapshot: where to look.
        selection: the selected time and endpoints.
        now_us: now, in unix microseconds.
        today_us: when today began in the dashboard's time zone, in unix microseconds.
        by_blueprint: a row per service and blueprint instead of one per endpoint.
    """
    ids, versions = selection.endpoint_ids, selection.version_ids
    now_hour = now_us // HOUR_US
    by = ("endpoint_id", "status_code")
    everything = Selection(endpoint_ids=ids, version_ids=versions)
    until_us = now_us + AHEAD_US
    end = until_us // HOUR_US + 1
    ahead = future(snapshot, now_us, selection)
    length = selection.end_hour - selection.start_hour
    earlier = replace(
        selection, start_hour=selection.start_hour - length, end_hour=selection.start_hour
    )
    spark_from = now_hour - SPARK_HOURS + 1
    recent = Selection(spark_from, now_hour + 1, ids, versions)
    today = Selection(today_us // HOUR_US, end, ids, versions)
    week = Selection(now_hour - _WEEK_H, end, ids, versions)
    found = _Found(
        _without(ahead, end, _hits(sums(snapshot, today, by))),
        _without(ahead, end, _hits(sums(snapshot, week, by))),
        _hits(sums(snapshot, everything, by)),
        _hits(sums(snapshot, selection, by)),
        _hits(sums(snapshot, earlier, by)),
        Latencies(snapshot, selection),
        Latencies(snapshot, earlier),
        sums(snapshot, recent, ("period", "endpoint_id"), hours_per_period=1),
        _last(snapshot, ahead, until_us)
        if versions is None
        else _last_of_versions(snapshot, until_us, versions),
    )
    # All of time is often what is selected already.
    known = known_range(snapshot, everything)
    covers = selection.start_hour <= known.start_hour and known.end_hour <= selection.end_hour
    all_time = found.latency if covers else Latencies(snapshot, everything)
    groups: dict[object, list[Endpoint]] = {}
    for endpoint in snapshot.endpoints.values():
        if (ids is None or endpoint.id in ids) and (versions is None or endpoint.id in found.last):
            group = (endpoint.service, endpoint.blueprint) if by_blueprint else endpoint.id
            groups.setdefault(group, []).append(endpoint)
    hours = range(spark_from, now_hour + 1)
    rows = [found.row(group, all_time, hours) for group in groups.values()]
    total = NO_HITS
    for row in rows:
        total = total.plus(row.selected)
    lasted = max(1, min(selection.end_hour, now_hour + 1) - selection.start_hour)
    return Overview(rows, total, found.latency.all, lasted, ahead)


class _Found(NamedTuple):
    """What was read, by endpoint."""

    today: Mapping[int, Hits]
    week: Mapping[int, Hits]
    overall: Mapping[int, Hits]
    selected: Mapping[int, Hits]
    before: Mapping[int, Hits]
    latency: Latencies
    latency_before: Latencies
    spark: Mapping[tuple[int, ...], Sum]
    last: Mapping[int, datetime | None]

    def row(
        self, endpoints: list[Endpoint], all_time: Latencies, hours: Sequence[int]
    ) -> OverviewRow:
        ids = [endpoint.id for endpoint in endpoints]
        overall = all_time.of(ids)
        times = [self.last.get(one.id, one.last_requested) for one in endpoints]
        return OverviewRow(
            endpoints,
            _together(self.today, ids),
            _together(self.week, ids),
            _together(self.overall, ids),
            _together(self.selected, ids),
            _together(self.before, ids),
            self.latency.of(ids),
            self.latency_before.of(ids),
            overall.median if overall else None,
            max((time for time in times if time is not None), default=None),
            [
                sum(self.spark[hour, n].number for n in ids if (hour, n) in self.spark)
                for hour in hours
            ],
        )


def _together(hits: Mapping[int, Hits], ids: Sequence[int]) -> Hits:
    found = NO_HITS
    for number in ids:
        if number in hits:
            found = found.plus(hits[number])
    return found


def _hits(found: Mapping[tuple[int, ...], Sum]) -> dict[int, Hits]:
    result: dict[int, Hits] = {}
    for (endpoint, status), one in found.items():
        errors = one.number if _is_error(status) else 0
        result[endpoint] = result.get(endpoint, NO_HITS).plus(Hits(one.number, errors))
    return result


def _is_error(status: int | None) -> bool:
    return status is not None and 400 <= status < 600


def _without(ahead: Future, end_hour: int, hits: dict[int, Hits]) -> dict[int, Hits]:
    """Hits that are counted by the hour, without those of the last hour that are yet to come."""
    end = _EPOCH + timedelta(hours=end_hour)
    for one in ahead.requests:
        if one.time_requested < end and one.endpoint_id in hits:
            less = Hits(-1, -1 if _is_error(one.status_code) else 0)
            hits[one.endpoint_id] = hits[one.endpoint_id].plus(less)
    return hits


def _last_of_versions(
    snapshot: Snapshot, until_us: int, versions: Collection[int]
) -> dict[int, datetime | None]:
    """When endpoints that ever had one of these versions were requested last in it.

    None if only in the future, from a sender with a wrong clock, or if that hides it.
    """
    found: dict[int, datetime | None] = {}
    for (endpoint, version), (_, last_us) in snapshot.endpoint_versions.items():
        if version in versions:
            found.setdefault(endpoint, None)
            if last_us <= until_us:
                when = _EPOCH + timedelta(microseconds=last_us)
                found[endpoint] = max(found[endpoint] or when, when)
    return found


def _last(snapshot: Snapshot, ahead: Future, until_us: int) -> dict[int, datetime | None]:
    """When endpoints were requested last.

    Those that are not folded, or in the future because of a wrong clock.
    """
    found: dict[int, datetime | None] = {}
    latest = _EPOCH + timedelta(microseconds=until_us)
    pending = snapshot.pending.last_requested(until_us)
    whose = ahead.endpoint_ids
    for endpoint in snapshot.endpoints.values():
        folded = endpoint.last_requested
        if endpoint.id in whose or (folded is not None and folded > latest):
            found[endpoint.id] = last_before(snapshot, endpoint.id, until_us)
        elif endpoint.id in pending:
            when = _EPOCH + timedelta(microseconds=pending[endpoint.id])
            found[endpoint.id] = when if folded is None else max(folded, when)
    return found
