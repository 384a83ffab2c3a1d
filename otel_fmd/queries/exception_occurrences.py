"""Single occurrences of exceptions, as far as they were kept, with their stack traces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from otel_fmd.queries.counts import one_of
from otel_fmd.queries.exceptions import stack_frames
from otel_fmd.queries.snapshot import Snapshot

_MOST_OF_REQUEST = 50


class Occurrence(NamedTuple):
    """An occurrence; `time_us` unix microseconds, 0 where it is not known.

    `details` holds what the stack trace does not share with others: `messages` of all exceptions of
    a chain, `notes`, and `variables` by `file:line`.
    """

    id: int
    variant_id: int
    stack_trace_id: int
    type: str
    message: str
    is_captured: bool
    request_id: int | None
    endpoint_id: int
    version: str
    time_us: int
    trace_id: str
    user: str
    details: Mapping[str, Any]


class ChainFrame(NamedTuple):
    """A frame of a stack trace; `line` is None where it is not known."""

    file: str
    function: str
    line: int | None
    code: str
    module: str
    in_app: bool


class ChainLink(NamedTuple):
    """An exception of a chain: the frames from the outermost call on.

    `relation`: '' for the reported one, else `cause`, `context`, `member` or `suppressed` of the
    one at the place `parent`.
    """

    type: str
    relation: str
    parent: int
    frames: Sequence[ChainFrame]


class Source(NamedTuple):
    """The source of a function, which begins in line `start`."""

    start: int
    code: str


class Chain(NamedTuple):
    """A stack trace: its language, its exceptions, and the text where it could not be parsed."""

    language: str
    links: Sequence[ChainLink]
    text: str


def occurrences(
    snapshot: Snapshot, variants: Sequence[int], *, before: int | None, limit: int
) -> list[Occurrence]:
    """The newest occurrences of variants, before one with this id."""
    column = snapshot.tables.exception_occurrence.c
    conditions = [one_of(column.variant_id, variants)]
    if before is not None:
        conditions.append(column.id < before)
    found = _read(snapshot, conditions, column.id.desc(), limit)
    return sorted(found, key=lambda one: (one.time_us, one.id), reverse=True)


def occurrences_of_request(snapshot: Snapshot, request_id: int, trace_id: str) -> list[Occurrence]:
    """The occurrences of a request and of its trace, the oldest first."""
    column = snapshot.tables.exception_occurrence.c
    of_request = column.request_id == request_id
    condition = of_request
    if trace_id:
        of_trace = column.request_id.is_(None) & (column.trace_id == bytes.fromhex(trace_id))
        condition = or_(of_request, of_trace)
    return _read(snapshot, [condition], column.id, _MOST_OF_REQUEST)


def _read(
    snapshot: Snapshot, conditions: Sequence[Any], order: Any, limit: int
) -> list[Occurrence]:
    tables = snapshot.tables
    column = tables.exception_occurrence.c
    query = (
        select(
            column.id,
            column.variant_id,
            column.stack_trace_snapshot_id,
            column.exception_type_id,
            column.exception_msg_id,
            column.is_user_captured,
            column.request_id,
            column.endpoint_id,
            column.version_id,
            column.time_us,
            column.trace_id,
            column.user,
            column.details,
        )
        .where(*conditions)
        .order_by(order)
        .limit(limit)
    )
    rows = snapshot.connection.execute(query).all()
    types = _texts(snapshot, tables.exception_type, "type", [row[3] for row in rows])
    messages = _texts(snapshot, tables.exception_message, "message", [row[4] for row in rows])
    return [
        Occurrence(
            row.id,
            row.variant_id or 0,
            row.stack_trace_snapshot_id,
            types.get(row.exception_type_id, ""),
            messages.get(row.exception_msg_id, ""),
            bool(row.is_user_captured),
            row.request_id,
            row.endpoint_id or 0,
            snapshot.versions.get(row.version_id, ""),
            row.time_us or 0,
            bytes(row.trace_id or b"").hex(),
            row.user or "",
            json.loads(row.details) if row.details else {},
        )
        for row in rows
    ]


def chain(snapshot: Snapshot, stack_trace_id: int) -> Chain:
    """A whole stack trace; one that FMD wrote has its frames only."""
    trace = snapshot.tables.stack_trace.c
    query = select(trace.chain).where(trace.id == stack_trace_id)
    text = snapshot.connection.execute(query).scalar()
    if not text:
        return Chain("", (), "")
    read = json.loads(text)
    links = [
        ChainLink(
            one["type"],
            one["relation"],
            one["parent"],
            [ChainFrame(*frame) for frame in one["frames"]],
        )
        for one in read["raised"]
    ]
    return Chain(read["language"], links, read["text"])


def sources(snapshot: Snapshot, stack_trace_ids: Sequence[int]) -> dict[tuple[str, int], Source]:
    """The source of functions on these stack traces, by file and line of the frame.

    A frame whose function's source is not known has its own line only, and is left out.
    """
    frames = [
        frame
        for found in stack_frames(snapshot, stack_trace_ids).values()
        for frame in found
        if frame.function_start_line != frame.line_number
    ]
    function = snapshot.tables.function_definition.c
    ids = sorted({frame.function_definition_id for frame in frames})
    query = select(function.id, function.code).where(one_of(function.id, ids))
    codes = {row.id: row.code for row in snapshot.connection.execute(query)}
    return {
        (frame.file_path, frame.line_number): Source(
            frame.function_start_line, codes[frame.function_definition_id]
        )
        for frame in frames
        if codes.get(frame.function_definition_id)
    }


def _texts(snapshot: Snapshot, table: Any, name: str, ids: list[int]) -> dict[int, str]:
    query = select(table.c.id, table.c[name]).where(one_of(table.c.id, sorted(set(ids))))
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}
