"""Deltas that no folder has taken yet; readers add them to the rollups in the same snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from otel_fmd.analysis.rollup import Rollup
from otel_fmd.store.delta import Columns, unpack
from otel_fmd.store.tables import Tables


def pending_columns(connection: Connection, tables: Tables) -> Iterator[Columns]:
    """The columns of every pending delta, oldest first."""
    delta = tables.delta.c
    for (payload,) in connection.execute(select(delta.payload).order_by(delta.id)):
        yield unpack(payload)


def pending_rollup(connection: Connection, tables: Tables) -> Rollup:
    """What the pending deltas add to the rollups."""
    rollup = Rollup()
    for columns in pending_columns(connection, tables):
        rollup.add(*columns[:5])
        rollup.note_seen(columns.seen)
    return rollup
