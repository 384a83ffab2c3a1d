"""Outliers of one endpoint: how busy the machine was, a table, and the whole record of each."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc

from dash_app.chart import Chart, card
from dash_app.components.paging import pages_around
from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.figures.loads import cpu_load, memory_load
from dash_app.page import ENDPOINT, Live, LiveTable, Page
from otel_fmd.analysis.text import duration_text
from otel_fmd.views.load import Loaded
from otel_fmd.views.outliers import OUTLIER_LOADS, OUTLIERS, PER_PAGE, Outliers

CPU = Chart(
    OUTLIER_LOADS,
    cpu_load,
    name="outlier-cpu",
    title="CPU at outliers",
    description="How busy each core was when a request was slow. Boxes near 100 % mean that the "
    "machine was busy; near 0 %, that the requests waited for something else: see their stacks.",
)
MEMORY = Chart(
    OUTLIER_LOADS,
    memory_load,
    name="outlier-memory",
    title="Memory at outliers",
    description="How much of the machine's memory was in use. Points near 100 % mean that it was "
    "short of memory and may have been swapping.",
)


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The newest outliers, a page at a time."""
    data = loaded[OUTLIERS]
    if data is None:
        return [nothing(OUTLIERS.empty)]
    rows = _rows(data, context)
    first = data.page * PER_PAGE + 1
    last = first + len(rows) - 1
    note = f"{first:,} to {last:,} of {data.total:,}. Click a time to see the whole record."
    columns = (
        ("time", f"time ({context.zone.key})", "moment-link"),
        ("duration", "duration (ms)", "duration"),
        ("version", "version", ""),
        ("user", "user", ""),
        ("ip", "address", "address"),
        ("status", "status", ""),
        ("url", "URL", "url"),
    )
    path = f"/endpoint/{context.endpoint_id}/outliers"
    return [
        grid("outliers", OUTLIERS.title, rows, columns, note=note),
        pages_around(context, path, data.page, more=last < data.total),
        dmc.SimpleGrid([card(CPU, loaded), card(MEMORY, loaded)], cols={"base": 1, "lg": 2}),
    ]


def live(data: Outliers | None, context: Context) -> Live:
    """The same page, refreshed."""
    return Live([] if data is None else _rows(data, context))


def _rows(data: Outliers, context: Context) -> list[Row]:
    return [
        {
            "id": str(one.request.id),
            "time": context.time_text(one.request.time_requested),
            "duration": one.request.duration,
            "duration_text": duration_text(one.request.duration),
            "version": one.request.version,
            "user": one.request.group_by or "",
            "ip": one.request.ip,
            "status": one.request.status_code or "",
            "url": one.url,
            "href": context.href(f"/request/{one.request.id}"),
        }
        for one in data.found
    ]


PAGE = Page(
    "/endpoint/<endpoint>/outliers",
    "Outliers",
    ENDPOINT,
    (CPU, MEMORY),
    layout=layout,
    tables={"outliers": LiveTable(OUTLIERS, live)},
)
