"""Log records one by one, newest first, with a cursor; and those of a request."""

from __future__ import annotations

import json
import time as clock
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select

from otel_fmd.analysis.request_id import MAX_ID, id_range
from otel_fmd.queries.rows import RequestRecord
from otel_fmd.queries.snapshot import Snapshot

_SCAN_S = 0.08
_SCAN_CHUNK = 500
_BEFORE_US, _AFTER_US = 1_000_000, 10_000_000
_MOVED = 1 << 22
_MOST_OF_REQUEST = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


class LogEntry(NamedTuple):
    """A stored log record; its time in unix microseconds, ids in hex or ''."""

    id: int
    time_us: int
    service: str
    severity: int
    logger: str
    event: str
    body: str
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str


class LogPage(NamedTuple):
    """A page of log records; `cursor` continues it and is None at the end."""

    found: list[LogEntry]
    cursor: int | None


class LogFilter(NamedTuple):
    """What to keep of the records of a time.

    Args:
        severity: the least.
        text: what body, attributes or logger contain, whatever the case.
        trace_id: only of this trace; b'' for all.
        service_ids: only of these services; None for all.
    """

    severity: int = 0
    text: str = ""
    trace_id: bytes = b""
    service_ids: Collection[int] | None = None


def logs(
    snapshot: Snapshot,
    start_us: int,
    end_us: int,
    keep: LogFilter,
    cursor: int | None = None,
    limit: int = 100,
) -> LogPage:
    """Records of a half-open time range, newest first.

    It scans for a bounded time, and then returns what it found and a cursor.
    """
    table, low = snapshot.tables.log_record, id_range(start_us, end_us)[0]
    conditions = _conditions(snapshot, start_us, end_us, keep)
    found: list[LogEntry] = []
    text, deadline = keep.text.casefold(), clock.monotonic() + _SCAN_S
    bound = cursor
    while True:
        floor = _floor(snapshot, low, bound)
        query = select(table).where(*conditions, table.c.id >= floor)
        if bound is not None:
            query = query.where(table.c.id < bound)
        for row in snapshot.connection.execute(query.order_by(table.c.id.desc())):
            if len(found) == limit:
                return LogPage(found, bound)
            bound = row.id
            if not text or _contains(row, text):
                found.append(_entry(snapshot, row))
        bound = floor
        if floor <= low:
            return LogPage(found, None)
        if len(found) == limit or clock.monotonic() > deadline:
            return LogPage(found, bound)


def _conditions(
    snapshot: Snapshot, start_us: int, end_us: int, keep: LogFilter
) -> list[ColumnElement[bool]]:
    """What rows must meet, the text aside."""
    table = snapshot.tables.log_record.c
    # An id that was taken moved its record a little upward.
    highest = min(id_range(start_us, end_us)[1] + _MOVED, MAX_ID)
    found = [table.id <= highest, table.time_us >= start_us, table.time_us < end_us]
    if keep.severity:
        found.append(table.severity >= keep.severity)
    if keep.trace_id:
        found.append(table.trace_id == keep.trace_id)
    if keep.service_ids is not None:
        found.append(table.service_id.in_(list(keep.service_ids)))
    return found


def _floor(snapshot: Snapshot, low: int, bound: int | None) -> int:
    """The id down to which the next chunk of the scan goes: so many rows, whatever is in them."""
    identifier: ColumnElement[int] = snapshot.tables.log_record.c.id
    query = select(identifier).where(identifier >= low)
    if bound is not None:
        query = query.where(identifier < bound)
    chunk = query.order_by(identifier.desc()).offset(_SCAN_CHUNK - 1).limit(1)
    found = snapshot.connection.execute(chunk).scalar()
    return low if found is None else int(found)


def logs_of_request(snapshot: Snapshot, one: RequestRecord) -> list[LogEntry]:
    """The records of a request's trace while it ran, and shortly after, the earliest first."""
    if not one.trace_id:
        return []
    table = snapshot.tables.log_record
    start_us = (one.time_requested - _EPOCH) // timedelta(microseconds=1)
    low, high = id_range(start_us - _BEFORE_US, start_us + int(one.duration * 1e3) + _AFTER_US)
    rows = snapshot.connection.execute(
        select(table)
        .where(table.c.id.between(low, high), table.c.trace_id == bytes.fromhex(one.trace_id))
        .order_by(table.c.time_us, table.c.id)
        .limit(_MOST_OF_REQUEST)
    )
    return [_entry(snapshot, row) for row in rows]


def _contains(row: Any, text: str) -> bool:
    return any(text in part.casefold() for part in (row.body, row.attributes, row.logger))


def _entry(snapshot: Snapshot, row: Any) -> LogEntry:
    return LogEntry(
        row.id,
        row.time_us,
        snapshot.services.get(row.service_id, ""),
        row.severity,
        row.logger,
        row.event,
        row.body,
        json.loads(row.attributes),
        bytes(row.trace_id).hex() if row.trace_id else "",
        bytes(row.span_id).hex() if row.span_id else "",
    )
