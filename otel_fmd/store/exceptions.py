"""Changing FMD's tables of exceptions."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from otel_fmd.errors import NotFoundError
from otel_fmd.store.tables import Tables


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
