"""Hourly API utilization: requests by hour of the day and day."""

from __future__ import annotations

from typing import Any

from dash_app.context import Context
from dash_app.figures.heatmap import hourly_load
from dash_app.page import APPLICATION, Page
from dash_app.view import Table, View
from otel_fmd.analysis.calendar import HourlyLoad, days_of_label
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.utilization import hourly
from otel_fmd.queries.versions import known_range


def load(snapshot: Snapshot, context: Context) -> HourlyLoad | None:
    """The load of the selected time."""
    selection = known_range(snapshot, context.selection(snapshot))
    found = hourly(snapshot, selection, context.zone)
    return found if found.total else None


def table(data: HourlyLoad, _context: Context) -> Table:
    """One row per cell."""
    rows = [
        (label, hour, data.matrix[hour][column])
        for column, label in enumerate(data.columns.labels)
        for hour in range(24)
    ]
    return (data.columns.unit, "hour", "requests"), rows


def open_hour(point: dict[str, Any], context: Context) -> str | None:
    """The requests behind a cell; of a longer time than a day, its days first."""
    (first, last), hour = days_of_label(str(point["x"])), int(point["y"])
    changes = {"from": first.isoformat(), "to": last.isoformat(), "range": None}
    if first != last:
        return context.href(context.path, **changes)
    changes["hour"] = str(hour)
    if context.endpoint_id:
        changes["endpoint"] = str(context.endpoint_id)
    return context.href("/requests", **changes)


VIEW = View(
    name="hourly",
    title="Hourly API utilization",
    description="When your users come: each cell is one hour of one day. A dark cell at an unusual "
    "hour is a burst or a crawler; a light one on a busy day may be an outage.",
    load=load,
    figure=hourly_load,
    table=table,
    click=open_hour,
    over_days=True,
)
PAGE = Page("/hourly", "Hourly utilization", APPLICATION, (VIEW,))
