"""Custom graphs of FMD, with their values."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.times import naive_utc


class CustomGraph(NamedTuple):
    """A graph; when it was added is naive UTC."""

    id: int
    title: str
    time_added: datetime | None
    version_added: str | None


class GraphValue(NamedTuple):
    """A value of a graph at a time (naive UTC)."""

    id: int
    graph_id: int
    time: datetime | None
    value: float | None


def custom_graphs(snapshot: Snapshot, most: int) -> list[CustomGraph]:
    """The graphs, the oldest first, at most so many."""
    table = snapshot.tables.custom_graph
    query = select(
        table.c.graph_id, table.c.title, table.c.time_added, table.c.version_added
    ).order_by(table.c.graph_id)
    return [CustomGraph(*row) for row in snapshot.connection.execute(query.limit(most))]


def graph_values(
    snapshot: Snapshot, graph_id: int, times_us: tuple[int, int], most: int
) -> list[GraphValue]:
    """The newest values of a graph in a half-open range of time, in the order of their ids."""
    table = snapshot.tables.custom_graph_data
    first, end = map(naive_utc, times_us)
    query = (
        select(table.c.id, table.c.graph_id, table.c.time, table.c.value)
        .where(table.c.graph_id == graph_id, table.c.time >= first, table.c.time < end)
        .order_by(table.c.id.desc())
        .limit(most)
    )
    return [GraphValue(*row) for row in reversed(snapshot.connection.execute(query).all())]
