"""Daily API utilization: requests per day, stacked by endpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go

from dash_app.context import Context
from dash_app.figures.bars import daily_load
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from dash_app.view import Table, View, clicked_key
from otel_fmd.analysis.calendar import days_of_label
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.utilization import DailyLoad, daily
from otel_fmd.queries.versions import known_range

_MOST = 25
_REST = "all other endpoints"


class Data(NamedTuple):
    """Requests per column by the endpoint's name, the busiest first, and the endpoints' ids."""

    load: DailyLoad
    named: dict[str, list[int]]
    ids: dict[str, int]


def load(snapshot: Snapshot, context: Context) -> Data | None:
    """The busiest endpoints, the rest together."""
    selection = known_range(snapshot, context.selection(snapshot))
    found = daily(snapshot, selection, context.zone)
    if not found.per_endpoint:
        return None
    order = sorted(found.per_endpoint, key=lambda number: -sum(found.per_endpoint[number]))
    named: dict[str, list[int]] = {}
    ids: dict[str, int] = {}
    for place, number in enumerate(order):
        name = snapshot.labels[number] if place < _MOST else _REST
        row = named.setdefault(name, [0] * len(found.columns))
        ids[name] = number if place < _MOST else 0
        for column, value in enumerate(found.per_endpoint[number]):
            row[column] += value
    return Data(found, named, ids)


def figure(data: Data, style: Style) -> go.Figure:
    """Stacked bars."""
    return daily_load(data.load.columns, data.named, style, data.ids)


def table(data: Data, _context: Context) -> Table:
    """One row per column of the figure, one column per endpoint."""
    columns = data.load.columns
    rows = [
        (label, *(values[column] for values in data.named.values()))
        for column, label in enumerate(columns.labels)
    ]
    return (columns.unit, *data.named), rows


def open_day(point: dict[str, Any], context: Context) -> str | None:
    """The requests of an endpoint on a day; a longer time is looked at more closely first."""
    (first, last), endpoint = days_of_label(str(point["x"])), clicked_key(point)
    changes = {"from": first.isoformat(), "to": last.isoformat(), "range": None}
    if first != last:
        return context.href("/daily", **changes)
    if endpoint:
        changes["endpoint"] = endpoint
    return context.href("/requests", **changes)


VIEW = View(
    name="daily",
    title="Daily API utilization",
    description="How much each endpoint is used per day. A colour that grows from one day to the "
    "next shows who makes the load; click it in the legend to hide it, or in a bar to see its "
    "requests.",
    load=load,
    figure=figure,
    table=table,
    over_days=True,
    click=open_day,
)
PAGE = Page("/daily", "Daily utilization", APPLICATION, (VIEW,))
