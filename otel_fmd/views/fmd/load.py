"""FMD's routes about load over time, and its custom graphs."""

from __future__ import annotations

from typing import Any

from otel_fmd.queries.custom_graphs import custom_graphs, graph_values
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.utilization import per_day, per_hour
from otel_fmd.views.fmd.names import days_between
from otel_fmd.views.look import Look

MOST_DAYS = 3_660
"""Most days of a range."""
MOST_CELLS = 500_000
"""Most numbers of a matrix of days and endpoints."""
MOST_VALUES = 10_000
"""Most values of a custom graph, the newest ones."""
_MOST_GRAPHS = 1_000


def daily_requests(snapshot: Snapshot, look: Look, start: str, end: str) -> dict[str, Any]:
    """Requests per day and endpoint."""
    most = min(MOST_DAYS, MOST_CELLS // max(1, len(snapshot.endpoints)))
    asked, days = days_between(look, start, end, max(1, most))
    found = per_day(snapshot, Selection.between(*asked.times_us), look.zone)
    return {
        "days": [day.isoformat() for day in days],
        "data": [
            {"name": name, "values": [found.get((day, number), 0) for day in days]}
            for number, name in snapshot.labels.items()
        ],
    }


def hourly_load(
    snapshot: Snapshot, look: Look, start: str, end: str, endpoint_id: int | None = None
) -> dict[str, Any]:
    """Requests per hour of the day and day, of one endpoint (None: of all)."""
    asked, days = days_between(look, start, end, MOST_DAYS)
    selection = Selection.between(*asked.times_us)
    if endpoint_id is not None:
        selection = selection.of([endpoint_id])
    found = per_hour(snapshot, selection, look.zone)
    return {
        "days": [day.isoformat() for day in days],
        "data": [[float(found.get((day, hour), 0)) for day in days] for hour in range(24)],
    }


def graph_list(snapshot: Snapshot, _look: Look) -> list[dict[str, str]]:
    """The custom graphs, everything as text."""
    return [
        {
            "graph_id": str(one.id),
            "title": one.title,
            "time_added": str(one.time_added),
            "version_added": str(one.version_added),
        }
        for one in custom_graphs(snapshot, _MOST_GRAPHS)
    ]


def graph_data(
    snapshot: Snapshot, look: Look, graph_id: str, start: str, end: str
) -> list[dict[str, str]]:
    """The values of a custom graph, everything as text; none of an unknown graph."""
    asked, days = days_between(look, start, end, MOST_DAYS)
    if not days or not graph_id.isdecimal() or len(graph_id) > 18:
        return []
    return [
        {
            "id": str(one.id),
            "graph_id": str(one.graph_id),
            "time": str(one.time),
            "value": str(one.value),
        }
        for one in graph_values(snapshot, int(graph_id), asked.times_us, MOST_VALUES)
    ]
