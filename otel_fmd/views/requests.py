"""Individual requests: the selected ones, the failed ones, and all details of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from otel_fmd.analysis.calendar import hour_of
from otel_fmd.analysis.rollup import HOURS_PER_DAY
from otel_fmd.queries.latency import slower_than
from otel_fmd.queries.logs import LogEntry, logs_of_request
from otel_fmd.queries.outliers import Outlier, outlier_of
from otel_fmd.queries.profiles import ProfiledRequest, profile_of
from otel_fmd.queries.rows import (
    RequestFilter,
    RequestRecord,
    request_by_id,
    requests,
    requests_of_trace,
)
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Endpoint, Snapshot
from otel_fmd.queries.utilization import status_codes
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import (
    ADDRESS,
    CURSOR,
    ENDPOINT,
    HOUR,
    LIMIT,
    MAX_DURATION,
    MIN_DURATION,
    OLDEST,
    ONLY_ENDPOINT,
    REQUEST,
    SORT,
    STATUS,
    USER,
    whole_number,
)
from otel_fmd.views.raised import RaisedExceptions, exceptions_of_request
from otel_fmd.views.view import NOTHING, Column, Table, View

_MOST_FAILED = 100
_WEEK_US = 7 * HOURS_PER_DAY * 3_600_000_000
FILTERS = (
    ONLY_ENDPOINT,
    STATUS,
    USER,
    ADDRESS,
    HOUR,
    MIN_DURATION,
    MAX_DURATION,
    SORT,
    LIMIT,
)


class NamedRequest(NamedTuple):
    """A request with the name of its endpoint."""

    request: RequestRecord
    endpoint: str


class Requests(NamedTuple):
    """A page of requests, in the order of the address.

    `cursor` is that of the next page, None at the end; `endpoint` is the one that the list is
    filtered by.
    """

    found: list[NamedRequest]
    cursor: int | None
    endpoint: Endpoint | None


class WholeRequest(NamedTuple):
    """Everything about one request.

    Its endpoint, the share (0 to 1) of its endpoint's requests in the last seven days that were
    faster, its outlier, its profile, the other requests of its trace, its exceptions, and its log
    records.
    """

    request: RequestRecord
    endpoint: Endpoint
    slower_than: float | None
    outlier: Outlier | None
    profile: ProfiledRequest | None
    related: list[NamedRequest]
    exceptions: RaisedExceptions
    logs: list[LogEntry]


class NoRequest(NamedTuple):
    """Why the request cannot be shown, as text; false."""

    reason: str

    def __bool__(self) -> bool:
        return False


def load(snapshot: Snapshot, look: Look) -> Requests:
    """A page of the requests that match the address."""
    selection, keep = wanted(snapshot, look)
    page = requests(
        snapshot,
        selection,
        keep=keep,
        cursor=look.value(CURSOR),
        limit=look.value(LIMIT),
        oldest_first=look.value(SORT) == OLDEST,
    )
    endpoint = snapshot.endpoints.get(look.value(ONLY_ENDPOINT) or 0)
    return Requests(_named(snapshot, page.requests), page.cursor, endpoint)


def wanted(snapshot: Snapshot, look: Look) -> tuple[Selection, RequestFilter]:
    """The requests that an address asks for."""
    low, high = look.value(STATUS) or (None, None)
    first, end = look.exact_times or (None, None)
    keep = RequestFilter(
        low,
        high,
        look.value(USER),
        look.value(ADDRESS),
        look.value(MIN_DURATION),
        look.value(MAX_DURATION),
        first,
        end,
    )
    return _selection(snapshot, look), keep


def _selection(snapshot: Snapshot, look: Look) -> Selection:
    selection, endpoint = look.selection(snapshot), look.value(ONLY_ENDPOINT)
    if endpoint is not None:
        selection = selection.of([endpoint], selection.version_ids)
    hour, days = look.value(HOUR), look.custom_days
    if hour is not None and days is not None:
        start = hour_of(days.first, hour, look.zone)
        return Selection(start, start + 1, selection.endpoint_ids, selection.version_ids)
    return selection


def load_failed(snapshot: Snapshot, look: Look) -> list[NamedRequest]:
    """The newest with a status from 400 to 599."""
    keep = RequestFilter(status_from=400, status_to=600)
    found = requests(snapshot, look.selection(snapshot), keep=keep, limit=_MOST_FAILED)
    return _named(snapshot, found.requests)


def load_one(snapshot: Snapshot, look: Look) -> WholeRequest | NoRequest:
    """Everything about one request."""
    text = look.value(REQUEST)
    try:
        one = request_by_id(snapshot, whole_number(text))
    except ValueError as error:
        return NoRequest(f"This is not a request id: {error}.")
    if one is None:
        return NoRequest(f"There is no request {text}; it may have been pruned.")
    endpoint = snapshot.endpoints[one.endpoint_id]
    week = Selection.between(look.now_us - _WEEK_US, look.now_us).of([endpoint.id])
    return WholeRequest(
        one,
        endpoint,
        slower_than(snapshot, week, one.duration),
        outlier_of(snapshot, one.id),
        profile_of(snapshot, one.id),
        _named(snapshot, requests_of_trace(snapshot, one)),
        exceptions_of_request(snapshot, one),
        logs_of_request(snapshot, one),
    )


def _named(snapshot: Snapshot, found: Iterable[RequestRecord]) -> list[NamedRequest]:
    endpoints = snapshot.endpoints
    return [
        NamedRequest(one, endpoints[one.endpoint_id].name if one.endpoint_id in endpoints else "?")
        for one in found
    ]


def table_of(found: Iterable[NamedRequest], look: Look) -> Table:
    """One row per request."""
    columns = (
        *map(Column, ("request", "time", "endpoint")),
        Column("duration_ms", "ms"),
        *map(Column, ("status_code", "version", "user", "ip", "trace")),
    )
    rows = [
        (
            str(one.id),
            look.time_text(one.time_requested),
            name,
            one.duration,
            one.status_code or "",
            one.version,
            one.group_by or "",
            one.ip,
            one.trace_id,
        )
        for one, name in found
    ]
    return Table(columns, rows)


def _one_table(data: WholeRequest | NoRequest, look: Look) -> Table:
    if isinstance(data, NoRequest):
        return NOTHING
    return table_of([NamedRequest(data.request, data.endpoint.name), *data.related], look)


def load_status(snapshot: Snapshot, look: Look) -> dict[int, int]:
    """Requests per status code; 0 for those without one."""
    return status_codes(snapshot, look.selection(snapshot))


def status_table(data: dict[int, int], _look: Look) -> Table:
    """One row per status code."""
    columns = (Column("status_code"), Column("requests"))
    return Table(columns, [(code or "", number) for code, number in data.items()])


REQUESTS = View(
    name="requests",
    title="Requests",
    description="The requests behind a figure, one page at a time.",
    load=load,
    table=lambda data, look: table_of(data.found, look),
    empty="No matching requests in the selected time range.",
    parameters=(*FILTERS, CURSOR),
)
FAILED_REQUESTS = View(
    name="failed-requests",
    title="Failed requests, newest first",
    description="The newest requests with a status from 400 to 599.",
    load=load_failed,
    table=table_of,
    empty="No failed requests in the selected time range.",
    parameters=(ENDPOINT,),
)
REQUEST_VIEW = View(
    name="request",
    title="Request",
    description="Everything known about one request, and the other requests of its trace.",
    load=load_one,
    table=_one_table,
    parameters=(REQUEST,),
)
ENDPOINT_STATUS = View(
    name="endpoint-status",
    title="Status codes",
    description="How the endpoint responds. Orange (4xx) is a client error, red (5xx) a server "
    "error. Click a bar to see its requests.",
    load=load_status,
    table=status_table,
    parameters=(ENDPOINT,),
)
