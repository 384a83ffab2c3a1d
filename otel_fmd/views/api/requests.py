"""Requests: a page of them, one with everything, outliers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from otel_fmd.analysis import outliers as analysis
from otel_fmd.queries import outliers
from otel_fmd.queries.rows import RequestRecord
from otel_fmd.views.api.exceptions import ExceptionOccurrence, occurrence
from otel_fmd.views.api.logs import LogRecord, log_record
from otel_fmd.views.api.look import aware
from otel_fmd.views.api.profiles import Profile, profile
from otel_fmd.views.look import Look
from otel_fmd.views.outliers import Outliers
from otel_fmd.views.parameters import HOUR
from otel_fmd.views.requests import REQUESTS, NamedRequest, Requests, WholeRequest


@dataclass(slots=True)
class Request:
    """A request.

    Args:
        id: its id; a string, as JavaScript has no integers of 64 bits.
        time: when it began.
        endpoint: the name of its endpoint.
        endpoint_id: the id of its endpoint.
        duration_ms: how long it took, in milliseconds.
        time_to_first_byte_ms: until its first byte was sent; null unless it was streamed.
        status_code: the status; null if none was sent.
        version: the version of the application; empty if unknown.
        user: who sent it; null if unknown.
        ip: the address of the client; empty if unknown.
        trace_id: the id of its trace, 32 hexadecimal digits; empty if unknown.
    """

    id: str
    time: datetime
    endpoint: str
    endpoint_id: int
    duration_ms: float
    time_to_first_byte_ms: float | None
    status_code: int | None
    version: str
    user: str | None
    ip: str
    trace_id: str


@dataclass(slots=True)
class Outlier:
    """What was recorded about a slow request, as text; secrets are hidden.

    Args:
        url: its address.
        headers: the headers of the request.
        environment: the WSGI environment.
        values: the parameters of the request.
        cpu_percent: how busy each core was.
        memory: how much memory was in use.
        stacktrace: where the request was when it became an outlier.
    """

    url: str
    headers: str
    environment: str
    values: str
    cpu_percent: str
    memory: str
    stacktrace: str


@dataclass(slots=True)
class OutlierRequest:
    """A request that took much longer than is usual for its endpoint.

    Args:
        request: the request.
        outlier: what was recorded.
    """

    request: Request
    outlier: Outlier


@dataclass(slots=True)
class MachineLoad:
    """How busy the machine was when a request was slow.

    Args:
        time: when the request began.
        duration_ms: how long it took, in milliseconds.
        cpu_percent: of each core, 0 to 100.
        memory_percent: memory in use, 0 to 100; null if unknown.
    """

    time: datetime
    duration_ms: float
    cpu_percent: list[float]
    memory_percent: float | None


@dataclass(slots=True)
class RequestDetails:
    """Everything about one request.

    Args:
        request: the request.
        faster_share: the share of its endpoint's requests in the last seven days that were faster,
            0 to 1; null without any.
        outlier: if it was one; else null.
        profile: if it was profiled; else null.
        related: the other requests of its trace, the earliest first.
        exceptions: those that were kept of it and of its trace, the oldest first.
        logs: its log records, the earliest first.
    """

    request: Request
    faster_share: float | None
    outlier: Outlier | None
    profile: Profile | None
    related: list[Request]
    exceptions: list[ExceptionOccurrence]
    logs: list[LogRecord]


REQUESTS_PAGE = replace(
    REQUESTS, parameters=[one for one in REQUESTS.parameters if one is not HOUR]
)


def request(named: NamedRequest) -> Request:
    """A request as a record."""
    return Request(*values(named.request, named.endpoint, aware(named.request.time_requested)))


def values(one: RequestRecord, endpoint: str, time: Any) -> tuple[Any, ...]:
    """The values of a `Request`, in the order of its fields."""
    return (
        str(one.id),
        time,
        endpoint,
        one.endpoint_id,
        one.duration,
        one.time_to_first_byte,
        one.status_code or None,
        one.version,
        one.group_by or None,
        one.ip,
        one.trace_id,
    )


def page(data: Requests, _look: Look) -> Iterator[Request]:
    """Of a page of requests."""
    return map(request, data.found)


def failed(data: list[NamedRequest], _look: Look) -> Iterator[Request]:
    """Of the failed requests of an endpoint."""
    return map(request, data)


def details(data: WholeRequest, _look: Look) -> RequestDetails:
    """Of one request."""
    return RequestDetails(
        request(NamedRequest(data.request, data.endpoint.name)),
        data.slower_than,
        None if data.outlier is None else _outlier(data.outlier),
        None if data.profile is None else profile(data.profile),
        [request(one) for one in data.related],
        [occurrence(one, data.exceptions.chains) for one in data.exceptions.found],
        list(map(log_record, data.logs)),
    )


def outlier_requests(data: Outliers, _look: Look) -> Iterator[OutlierRequest]:
    """Of a page of outliers."""
    for one in data.found:
        yield OutlierRequest(request(NamedRequest(one.request, data.endpoint)), _outlier(one))


def machine_loads(data: Iterable[analysis.OutlierLoad], _look: Look) -> Iterator[MachineLoad]:
    """Of the loads at outliers."""
    for one in data:
        yield MachineLoad(
            aware(one.time_requested), one.duration_ms, list(one.cpu_percent), one.memory_percent
        )


def _outlier(one: outliers.Outlier) -> Outlier:
    return Outlier(
        one.url,
        one.headers,
        one.environment,
        one.values,
        one.cpu_percent,
        one.memory,
        one.stacktrace,
    )
