"""What the tables of exceptions mean, and removing what is in FMD's."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, delete

from otel_fmd.errors import NotFoundError
from otel_fmd.store.tables import Tables

NO_ENDPOINT = 0
"""Stands for the endpoint of an exception outside of any request."""
RAW, MINUTE, QUARTER, DAY = ALL_GRAINS = range(4)
"""How long the time is that a row of counts is about; `RAW`: a minute of one batch."""


class State(IntEnum):
    """What people decided about a group of exceptions."""

    UNRESOLVED = 0
    RESOLVED = 1
    IGNORED = 2


def delete_stack_trace(connection: Connection, tables: Tables, identifier: int) -> int:
    """Remove a stack trace; how often it had occurred. Frames stay: others may share them.

    Raises:
        NotFoundError: there is none with this id.
    """
    occurrence, line = tables.exception_occurrence, tables.exception_stack_line
    trace = tables.stack_trace
    occurred = connection.execute(
        delete(occurrence).where(occurrence.c.stack_trace_snapshot_id == identifier)
    ).rowcount
    connection.execute(delete(line).where(line.c.stack_trace_snapshot_id == identifier))
    if not connection.execute(delete(trace).where(trace.c.id == identifier)).rowcount:
        raise NotFoundError(f"stack trace {identifier}: there is none with this id")
    return occurred
