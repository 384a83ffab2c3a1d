"""Endpoints by metrics: true rates of sampled services, and of those without spans."""

from __future__ import annotations

import json
from typing import Any

from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import APPLICATION, Live, LiveTable, Page
from dash_app.pages.metrics import PATH
from otel_fmd.analysis.text import visible
from otel_fmd.views.load import Loaded
from otel_fmd.views.measured import MEASURED, Measured

_COLUMNS = (
    ("endpoint", "endpoint", "wide-link"),
    ("service", "service", ""),
    ("requests", "requests", "number"),
    ("rate", "per minute", "number"),
    ("errors", "errors", "number"),
    ("median", "median (ms)", "duration"),
    ("p95", "p95 (ms)", "duration"),
    ("spans", "spans", ""),
)


def rows_of(data: Measured, context: Context) -> list[Row]:
    """A row an endpoint; it leads to its requests if there are any, else to its metric."""
    rows = []
    for place, one in enumerate(data.endpoints):
        stored = data.stored.get((one.service, one.name))
        labels = json.dumps({"http.route": one.route}) if one.route else None
        metric = context.href(f"{PATH}/{one.metric_id}", labels=labels)
        rows.append(
            {
                "id": str(place),
                "href": metric if stored is None else context.href(f"/endpoint/{stored}/hourly"),
                "endpoint": visible(one.name),
                "service": visible(one.service),
                "requests": one.requests,
                "rate": one.requests * 60 / data.seconds,
                "errors": one.errors,
                "median": one.median_ms,
                "p95": one.p95_ms,
                "spans": "from metrics only" if stored is None else "stored, too",
            }
        )
    return rows


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The table."""
    rows = rows_of(loaded[MEASURED], context)
    note, empty = MEASURED.description, nothing(MEASURED.empty)
    return grid("measured", MEASURED.title, rows, _COLUMNS, note=note, empty=empty)


def live(data: Measured, context: Context) -> Live:
    """The table, refreshed."""
    return Live(rows_of(data, context))


PAGE = Page(
    "/measured",
    "Endpoints by metrics",
    APPLICATION,
    layout=layout,
    tables={"measured": LiveTable(MEASURED, live)},
)
