"""Exceptions in FMD's tables: groups of occurrences, their stack traces and functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from otel_fmd.queries.counts import one_of
from otel_fmd.queries.snapshot import Snapshot

MOST_OCCURRENCES = 100_000
"""Most occurrences that are read, the newest ones."""


class ExceptionGroup(NamedTuple):
    """Exceptions of one endpoint with the same type, message and stack trace.

    How often they occurred, and when first and last (naive UTC).
    """

    endpoint_id: int
    stack_trace_id: int
    type: str
    message: str
    first: datetime | None
    latest: datetime | None
    occurrences: int


class Frame(NamedTuple):
    """A frame of a stack trace."""

    position: int
    file_path: str
    function_name: str | None
    function_definition_id: int
    function_start_line: int
    line_number: int


def exception_groups(
    snapshot: Snapshot, endpoint_id: int | None, offset: int, limit: int
) -> list[ExceptionGroup]:
    """Groups of one endpoint (None: of all), the one that occurred last first."""
    occurrence, request = snapshot.tables.exception_occurrence.c, snapshot.tables.request.c
    latest = func.max(request.time_requested)
    query = (
        _grouped(
            snapshot,
            endpoint_id,
            func.min(request.time_requested),
            latest,
            func.count(occurrence.id),
        )
        .order_by(latest.desc(), occurrence.stack_trace_snapshot_id)
        .offset(offset)
        .limit(limit)
    )
    rows = snapshot.connection.execute(query).all()
    tables = snapshot.tables
    types = _by_id(snapshot, tables.exception_type, "type", [row[1] for row in rows])
    messages = _by_id(snapshot, tables.exception_message, "message", [row[2] for row in rows])
    return [
        ExceptionGroup(row[0], row[3], types.get(row[1], ""), messages.get(row[2], ""), *row[4:])
        for row in rows
    ]


def exception_counts(snapshot: Snapshot) -> dict[int, int]:
    """How many groups each endpoint has."""
    grouped = _grouped(snapshot, None).subquery()
    column = grouped.c[0]
    query = select(column, func.count()).group_by(column)
    return {row[0]: int(row[1]) for row in snapshot.connection.execute(query)}


def stack_frames(snapshot: Snapshot, stack_trace_ids: Sequence[int]) -> dict[int, list[Frame]]:
    """The frames of stack traces, the innermost first."""
    tables = snapshot.tables
    line, frame = tables.exception_stack_line.c, tables.exception_frame.c
    place, path, function = (
        tables.function_location.c,
        tables.file_path.c,
        tables.function_definition.c,
    )
    query = (
        select(
            line.stack_trace_snapshot_id,
            line.position,
            path.path,
            function.name,
            function.id,
            place.function_start_line_number,
            frame.line_number,
        )
        .where(
            one_of(line.stack_trace_snapshot_id, list(stack_trace_ids)),
            frame.id == line.exception_frame_id,
            place.id == frame.function_location_id,
            path.id == place.file_path_id,
            function.id == place.function_definition_id,
        )
        .order_by(line.stack_trace_snapshot_id, line.position.desc())
    )
    found: dict[int, list[Frame]] = {}
    for row in snapshot.connection.execute(query):
        found.setdefault(row[0], []).append(Frame(*row[1:]))
    return found


def function_code(snapshot: Snapshot, function_id: int) -> str | None:
    """The source of a function."""
    function = snapshot.tables.function_definition.c
    query = select(function.code).where(function.id == function_id)
    found: str | None = snapshot.connection.execute(query).scalar()
    return found


def _grouped(snapshot: Snapshot, endpoint_id: int | None, *columns: Any) -> Select[Any]:
    occurrence, request = snapshot.tables.exception_occurrence.c, snapshot.tables.request.c
    keys = (
        request.endpoint_id,
        occurrence.exception_type_id,
        occurrence.exception_msg_id,
        occurrence.stack_trace_snapshot_id,
    )
    query = (
        select(*keys, *columns)
        .where(request.id == occurrence.request_id, occurrence.id > _oldest(snapshot))
        .group_by(*keys)
    )
    return query if endpoint_id is None else query.where(request.endpoint_id == endpoint_id)


def _oldest(snapshot: Snapshot) -> int:
    """The id of the newest occurrence that is too old to be read; 0 if none is."""
    occurrence = snapshot.tables.exception_occurrence.c
    query = select(occurrence.id).order_by(occurrence.id.desc()).offset(MOST_OCCURRENCES).limit(1)
    return int(snapshot.connection.execute(query).scalar() or 0)


def _by_id(snapshot: Snapshot, table: Any, name: str, ids: list[int]) -> dict[int, str]:
    query = select(table.c.id, table.c[name]).where(one_of(table.c.id, sorted(set(ids))))
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}
