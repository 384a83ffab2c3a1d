"""Requests one by one: newest first, with a cursor, and the ranges of ids that times mean."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select

from otel_fmd.analysis.request_id import id_range
from otel_fmd.queries.counts import one_of
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.semconv import UNKNOWN_VERSION

_SCAN_S = 0.08
_SCAN_CHUNK = 500
_TRACE_US = 10_000_000
_MOST_OF_TRACE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


class RequestRecord(NamedTuple):
    """A stored request; durations in ms (`time_to_first_byte`: of streams), time in naive UTC."""

    id: int
    endpoint_id: int
    duration: float
    time_requested: datetime
    version: str
    group_by: str | None
    ip: str
    status_code: int | None
    trace_id: str
    time_to_first_byte: float | None


class Page(NamedTuple):
    """A page of requests; `cursor` continues it and is None at the end."""

    requests: list[RequestRecord]
    cursor: int | None


class RequestFilter(NamedTuple):
    """What to keep of the selected requests; None keeps all.

    Half-open ranges of the status and of the time (naive UTC), durations in ms, the user, the
    address.
    """

    status_from: int | None = None
    status_to: int | None = None
    group_by: str | None = None
    ip: str | None = None
    least_ms: float | None = None
    most_ms: float | None = None
    first: datetime | None = None
    end: datetime | None = None


def time_conditions(
    snapshot: Snapshot, selection: Selection, column: ColumnElement[int] | None = None
) -> tuple[list[ColumnElement[bool]], Callable[[datetime], bool]]:
    """Conditions on ids that cover a time range, and an exact test of the time for the rows found.

    Our ids encode the time, clamped ones only that they are at an end of the range; those of an
    adopted FMD database are looked up in the table of adopted hours. `column` holds the ids if it
    is not the requests' own.
    """
    identifier = snapshot.tables.request.c.id if column is None else column
    low, high = id_range(selection.start_us, selection.end_us)
    first = _EPOCH + timedelta(microseconds=selection.start_us)
    last = _EPOCH + timedelta(microseconds=min(selection.end_us, 253_402_300_799_000_000))
    ranges = [and_(identifier >= low, identifier <= high)]
    if low > 0:
        adopted = snapshot.tables.adopted_hour.c
        found = snapshot.connection.execute(
            select(func.min(adopted.lowest_id), func.max(adopted.highest_id)).where(
                adopted.hour >= selection.start_hour, adopted.hour < selection.end_hour
            )
        ).one()
        if found[0] is not None:
            ranges.append(identifier.between(found[0], found[1]))
    return [or_(*ranges)], lambda time: time is not None and first <= time < last


def of_requests(
    snapshot: Snapshot, column: ColumnElement[int], selection: Selection | None
) -> list[ColumnElement[bool]]:
    """Conditions on a column that holds ids of requests: those of the selected time and versions.

    Args:
        snapshot: where to look.
        column: the ids.
        selection: its time and versions count, its endpoints do not; None for all.
    """
    if selection is None:
        return []
    request = snapshot.tables.request.c
    conditions, _ = time_conditions(snapshot, selection, column)
    if selection.version_ids is not None:
        names = [snapshot.versions.get(number, "") for number in selection.version_ids]
        # An adopted request may have no version.
        version = func.coalesce(request.version_requested, UNKNOWN_VERSION)
        conditions.append(
            select(request.id).where(request.id == column, version.in_(names)).exists()
        )
    return conditions


def requests(
    snapshot: Snapshot,
    selection: Selection,
    *,
    keep: RequestFilter | None = None,
    cursor: int | None = None,
    limit: int = 50,
    oldest_first: bool = False,
    chunk: int = _SCAN_CHUNK,
) -> Page:
    """Selected requests, newest first.

    A filter without an index scans for a bounded time and then returns what it found and a cursor.

    Args:
        snapshot: where to look.
        selection: the time, endpoints and versions.
        keep: what to keep of them.
        cursor: where the page before ended.
        limit: most requests of a page.
        oldest_first: the other way round.
        chunk: rows read at once by a filter.
    """
    keep = keep or RequestFilter()
    request = snapshot.tables.request.c
    conditions, in_time = time_conditions(snapshot, selection)
    if selection.endpoint_ids is not None:
        conditions.append(one_of(request.endpoint_id, list(selection.endpoint_ids)))
    versions = None
    if selection.version_ids is not None:
        versions = {snapshot.versions.get(number) for number in selection.version_ids}
    found: list[RequestRecord] = []
    deadline = clock.monotonic() + _SCAN_S
    is_filtered = versions is not None or any(part is not None for part in keep)
    chunk = chunk if is_filtered else limit + 1
    order = request.id.asc() if oldest_first else request.id.desc()
    while True:
        query = select(*_columns(request)).where(*conditions)
        if cursor is not None:
            query = query.where(request.id > cursor if oldest_first else request.id < cursor)
        rows = snapshot.connection.execute(query.order_by(order).limit(chunk)).all()
        for row in rows:
            if len(found) == limit:
                return Page(found, cursor)
            cursor = row[0]
            if in_time(row[3]) and (not is_filtered or _keeps(keep, row, versions)):
                found.append(_record(row))
        if len(rows) < chunk:
            return Page(found, None)
        if clock.monotonic() > deadline:
            return Page(found, cursor)


def request_by_id(snapshot: Snapshot, identifier: int) -> RequestRecord | None:
    """One request."""
    request = snapshot.tables.request.c
    row = snapshot.connection.execute(
        select(*_columns(request)).where(request.id == identifier)
    ).first()
    return None if row is None else _record(row)


def requests_of_trace(snapshot: Snapshot, one: RequestRecord) -> list[RequestRecord]:
    """The requests of the same trace around this one, itself left out, the earliest first."""
    if not one.trace_id:
        return []
    request = snapshot.tables.request.c
    start_us = (one.time_requested - _EPOCH) // timedelta(microseconds=1)
    low, high = id_range(start_us - _TRACE_US, start_us + int(one.duration * 1e3) + _TRACE_US)
    rows = snapshot.connection.execute(
        select(*_columns(request))
        .where(
            request.id.between(low, high),
            request.trace_id == bytes.fromhex(one.trace_id),
            request.id != one.id,
        )
        .order_by(request.id)
        .limit(_MOST_OF_TRACE)
    )
    return [_record(row) for row in rows]


def _columns(request: Any) -> list[ColumnElement[Any]]:
    """The columns that a record is built from."""
    return [
        request.id,
        request.endpoint_id,
        request.duration,
        request.time_requested,
        request.version_requested,
        request.group_by,
        request.ip,
        request.status_code,
        request.trace_id,
        request.time_to_first_byte,
    ]


def _keeps(keep: RequestFilter, row: Any, versions: set[str | None] | None) -> bool:
    _, _, duration, time, version, user, ip, status, *_ = row
    status = status or 0
    return (
        (versions is None or version in versions)
        and (keep.group_by is None or (user or "") == keep.group_by)
        and (keep.ip is None or ip == keep.ip)
        and (keep.status_from is None or status >= keep.status_from)
        and (keep.status_to is None or status < keep.status_to)
        and (keep.least_ms is None or duration >= keep.least_ms)
        and (keep.most_ms is None or duration <= keep.most_ms)
        and (keep.first is None or time >= keep.first)
        and (keep.end is None or time < keep.end)
    )


def _record(row: Any) -> RequestRecord:
    identifier, endpoint, duration, time, version, user, ip, status, trace_id, first_byte = row
    return RequestRecord(
        identifier,
        endpoint,
        duration,
        time,
        version or "",
        user,
        ip,
        status,
        bytes(trace_id).hex() if trace_id else "",
        first_byte,
    )


def request_of_span(
    snapshot: Snapshot, trace_id: bytes, span_id: bytes, at_us: int
) -> RequestRecord | None:
    """The request that a span, at this time in unix microseconds, belongs to.

    The span's own one, else the last one of its trace that began before; None when none is stored.
    """
    request = snapshot.tables.request.c
    low, high = id_range(at_us - _TRACE_US, at_us + 1)
    rows = snapshot.connection.execute(
        select(*_columns(request), request.span_id)
        .where(request.id.between(low, high), request.trace_id == trace_id)
        .order_by(request.id)
        .limit(_MOST_OF_TRACE)
    ).all()
    own = [row for row in rows if bytes(row.span_id or b"") == span_id]
    chosen = own or rows
    return _record(chosen[-1][:-1]) if chosen else None
