"""The overview: one row per endpoint, with what FMD shows and how it develops."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from otel_fmd.analysis.distribution import Distribution
from otel_fmd.analysis.rollup import HOUR_US
from otel_fmd.database.queries.counts import Sum, sums
from otel_fmd.database.queries.latency import distributions
from otel_fmd.database.queries.selection import Selection
from otel_fmd.database.queries.snapshot import Endpoint, Snapshot

_WEEK_H = 24 * 7
SPARK_HOURS = 24
_EPOCH = datetime(1970, 1, 1)


class Hits(NamedTuple):
    """Requests, and those of them with a status from 400 to 599."""

    requests: int
    errors: int


class OverviewRow(NamedTuple):
    """One endpoint: hits today, in 7 days and overall; durations of the selected time."""

    endpoint: Endpoint
    today: Hits
    week: Hits
    overall: Hits
    selected: Hits
    latency: Distribution | None
    median_overall: float | None
    last_requested: datetime | None
    sparkline: list[int]


class Overview(NamedTuple):
    """The rows, the selected requests of all of them, and their durations together."""

    rows: list[OverviewRow]
    selected: Hits
    latency: Distribution | None
    hours: int


def overview(
    snapshot: Snapshot,
    selection: Selection,
    *,
    now_us: int,
    today_us: int,
) -> Overview:
    """Everything of the overview.

    Args:
        snapshot: where to look.
        selection: the selected time and endpoints.
        now_us: now, in unix microseconds.
        today_us: when today began in the dashboard's time zone, in unix microseconds.
    """
    ids = selection.endpoint_ids
    now_hour = now_us // HOUR_US
    by = ("endpoint_id", "status_code")
    everything = Selection(endpoint_ids=ids)
    end = everything.end_hour
    today = _hits(sums(snapshot, Selection(today_us // HOUR_US, end, ids), by))
    week = _hits(sums(snapshot, Selection(now_hour - _WEEK_H, end, ids), by))
    overall = _hits(sums(snapshot, everything, by))
    chosen = _hits(sums(snapshot, selection, by))
    recent = Selection(now_hour - SPARK_HOURS + 1, now_hour + 1, ids)
    spark = sums(snapshot, recent, ("period", "endpoint_id"), hours_per_period=1)
    latency = distributions(snapshot, selection, ("endpoint_id",))
    all_time = distributions(snapshot, everything, ("endpoint_id",))
    together = distributions(snapshot, selection, ())
    last = snapshot.pending.last_requested()
    none = Hits(0, 0)
    rows = []
    for endpoint in snapshot.endpoints.values():
        number = endpoint.id
        if ids is not None and number not in ids:
            continue
        known = all_time.get((number,))
        rows.append(
            OverviewRow(
                endpoint,
                today.get(number, none),
                week.get(number, none),
                overall.get(number, none),
                chosen.get(number, none),
                latency.get((number,)),
                known.median if known else None,
                _latest(endpoint.last_requested, last.get(number)),
                [
                    spark.get((hour, number), Sum(0, 0)).number
                    for hour in range(recent.start_hour, recent.end_hour)
                ],
            )
        )
    total = Hits(
        sum(hits.requests for hits in chosen.values()), sum(hits.errors for hits in chosen.values())
    )
    hours = max(1, min(selection.end_hour, now_hour + 1) - selection.start_hour)
    return Overview(rows, total, together.get(()), hours)


def _hits(found: Mapping[tuple[int, ...], Sum]) -> dict[int, Hits]:
    result: dict[int, Hits] = {}
    for (endpoint, status), one in found.items():
        requests, errors = result.get(endpoint, Hits(0, 0))
        is_error = 400 <= status < 600
        result[endpoint] = Hits(requests + one.number, errors + (one.number if is_error else 0))
    return result


def _latest(folded: datetime | None, pending_us: int | None) -> datetime | None:
    if pending_us is None:
        return folded
    pending = _EPOCH + timedelta(microseconds=pending_us)
    return pending if folded is None else max(folded, pending)
