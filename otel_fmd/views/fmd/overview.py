"""FMD's overview, and its routes about endpoints as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from otel_fmd.analysis.colors import color_of
from otel_fmd.analysis.distribution import Distribution
from otel_fmd.analysis.rollup import AHEAD_US, HOUR_US
from otel_fmd.queries.counts import sums, total
from otel_fmd.queries.exceptions import exception_counts
from otel_fmd.queries.fmd_rows import endpoint_rows
from otel_fmd.queries.latency import EXACT_ROWS, distributions
from otel_fmd.queries.overview import OverviewRow, overview
from otel_fmd.queries.rows import RequestFilter, RequestRecord, requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Endpoint, Snapshot
from otel_fmd.queries.utilization import NO_STATUS, status_codes
from otel_fmd.views.fmd.answer import Answer
from otel_fmd.views.fmd.names import version_dates
from otel_fmd.views.fmd.problems import no_endpoint
from otel_fmd.views.look import Look

_WEEK_US = 7 * 24 * HOUR_US
MOST_ERRORS = 1_000
"""Most failed requests of an endpoint, the newest ones."""
_BY = ("endpoint_id",)
Medians = Mapping[tuple[int, ...], Distribution]


def endpoints_overview(snapshot: Snapshot, look: Look) -> Answer:
    """Every endpoint with its hits and medians, most requests first."""
    end_us = look.now_us + AHEAD_US
    week = Selection.between(look.now_us - _WEEK_US, look.now_us)
    today_us = look.today_us
    found = overview(snapshot, week, now_us=look.now_us, today_us=today_us)
    medians = [
        distributions(snapshot, Selection.between(start_us, end_us), _BY)
        for start_us in (today_us, look.now_us - _WEEK_US)
    ]
    exceptions = exception_counts(snapshot)
    rows = [
        _overview_row(snapshot, look, row, medians, exceptions.get(row.endpoint.id, 0))
        for row in found.rows
    ]
    rows.sort(key=lambda row: (-row["hits-overall"], row["id"]))
    return Answer(rows, total(snapshot, Selection()) <= EXACT_ROWS)


def _overview_row(
    snapshot: Snapshot, look: Look, row: OverviewRow, medians: Sequence[Medians], exceptions: int
) -> dict[str, Any]:
    endpoint = row.endpoint
    today, week = (one.get((endpoint.id,)) for one in medians)
    return {
        "id": endpoint.id,
        "name": snapshot.labels[endpoint.id],
        "blueprint": endpoint.name.partition(".")[0],
        "color": color_of(endpoint.name, look.settings.colors),
        "monitor": endpoint.monitor_level,
        "exceptions": exceptions,
        "hits-today": row.today.requests,
        "hits-today-errors": row.today.errors,
        "hits-week": row.week.requests,
        "hits-week-errors": row.week.errors,
        "hits-overall": row.overall.requests,
        "median-today": today.median if today else 0,
        "median-week": week.median if week else 0,
        "median-overall": row.median_overall or 0,
        "last-accessed": row.last_requested,
    }


def endpoint_list(snapshot: Snapshot, _look: Look) -> list[dict[str, str]]:
    """Every endpoint as FMD's table has it, everything as text."""
    return [
        {
            "id": str(row["id"]),
            "name": snapshot.labels[row["id"]],
            "monitor_level": str(row["monitor_level"]),
            "time_added": str(row["time_added"]),
            "version_added": str(row["version_added"]),
            "last_requested": str(row["last_requested"]),
        }
        for row in endpoint_rows(snapshot)
    ]


def endpoint_hits(snapshot: Snapshot, _look: Look) -> list[dict[str, Any]]:
    """Requests of every endpoint that has any, most first."""
    found = sums(snapshot, Selection(), _BY)
    order = sorted(found.items(), key=lambda item: (-item[1].number, -item[0][0]))
    names = snapshot.labels
    return [{"name": names[n], "hits": one.number} for (n,), one in order if n in names]


def endpoint_info(snapshot: Snapshot, look: Look, endpoint_id: int) -> dict[str, Any]:
    """One endpoint, with its rules as far as they are known.

    Raises:
        RequestError: there is no such endpoint.
    """
    endpoint = snapshot.endpoints.get(endpoint_id)
    if endpoint is None:
        raise no_endpoint(endpoint_id)
    methods, rules, url = _rules(look, endpoint)
    return {
        "id": endpoint.id,
        "endpoint": snapshot.labels[endpoint.id],
        "color": color_of(endpoint.name, look.settings.colors),
        "monitor-level": endpoint.monitor_level,
        "total_hits": total(snapshot, Selection(endpoint_ids=[endpoint.id])),
        "methods": methods,
        "rules": rules,
        "url": url,
    }


def _rules(look: Look, endpoint: Endpoint) -> tuple[list[str], list[str], str | None]:
    """Methods, rules and address, from the app's URL map or from a name such as `GET /items`."""
    known = look.process.rules(endpoint.name)
    if known:
        methods = sorted({method for rule in known for method in rule.methods})
        plain = [rule.path for rule in known if not rule.has_values]
        return methods, [rule.path for rule in known], plain[0] if plain else None
    method, _, path = endpoint.name.partition(" ")
    if path.startswith("/") and method.isupper():
        return [method], [path], None if set("<{:*") & set(path) else path
    return [], [], None


def versions(
    snapshot: Snapshot, _look: Look, endpoint_id: int | None = None
) -> list[dict[str, Any]]:
    """Versions of one endpoint (None: of all) with their first request, the newest first."""
    found = version_dates(snapshot, None if endpoint_id is None else [endpoint_id])
    return [{"version": name, "date": date} for name, date in found.items()]


def status_distribution(snapshot: Snapshot, _look: Look, endpoint_id: int) -> dict[str, float]:
    """Shares (0 to 1) of status codes among requests that have one."""
    found = status_codes(snapshot, Selection(endpoint_ids=[endpoint_id]))
    found.pop(NO_STATUS, None)
    number = sum(found.values())
    return {str(code): hits / number for code, hits in found.items()}


def status_summary(snapshot: Snapshot, look: Look, endpoint_id: int) -> dict[str, Any]:
    """The same, with the newest requests that failed, the fastest first."""
    keep = RequestFilter(status_from=400, status_to=600)
    page = requests(snapshot, Selection(endpoint_ids=[endpoint_id]), keep=keep, limit=MOST_ERRORS)
    failed = sorted(page.requests, key=lambda one: (one.duration, one.id))
    return {
        "distribution": status_distribution(snapshot, look, endpoint_id),
        "error_requests": [_error_row(one) for one in failed],
    }


def _error_row(one: RequestRecord) -> dict[str, str]:
    time: datetime | None = one.time_requested
    return {
        "id": str(one.id),
        "endpoint_id": str(one.endpoint_id),
        "duration": str(one.duration),
        "time_requested": str(time),
        "version_requested": one.version or "None",
        "group_by": str(one.group_by),
        "ip": one.ip,
        "status_code": str(one.status_code),
    }
