"""Metrics: what the apps measure of themselves."""

from __future__ import annotations

from typing import Any

from dash_app.components.states import nothing
from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.page import APPLICATION, Live, LiveTable, Page
from otel_fmd.analysis.text import visible
from otel_fmd.queries.metrics import KnownMetric
from otel_fmd.signals.metric import KIND_NAMES
from otel_fmd.views.load import Loaded
from otel_fmd.views.metrics import METRICS

PATH = "/explore-metrics"
_COLUMNS = (
    ("name", "metric", "wide-link"),
    ("service", "service", ""),
    ("kind", "kind", ""),
    ("unit", "unit", "short"),
    ("series", "series", "number"),
    ("description", "description", "words"),
)


def rows_of(data: list[KnownMetric], context: Context) -> list[dict[str, Any]]:
    """A row a metric; its name leads to it."""
    return [
        {
            "id": str(one.id),
            "href": context.href(f"{PATH}/{one.id}"),
            "name": visible(one.name),
            "service": visible(one.service),
            "kind": KIND_NAMES[one.kind],
            "unit": visible(one.unit),
            "series": one.series,
            "description": visible(one.description),
        }
        for one in data
    ]


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The list."""
    rows = rows_of(loaded[METRICS], context)
    empty = nothing(METRICS.empty)
    return grid("metrics", METRICS.title, rows, _COLUMNS, note=METRICS.description, empty=empty)


def live(data: list[KnownMetric], context: Context) -> Live:
    """The list, refreshed."""
    return Live(rows_of(data, context))


PAGE = Page(
    PATH,
    "Metrics",
    APPLICATION,
    layout=layout,
    tables={"metrics": LiveTable(METRICS, live)},
)
