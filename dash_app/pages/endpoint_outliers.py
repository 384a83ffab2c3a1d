"""Outliers of one endpoint: how busy the machine was, a table, and the whole record of each."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc

from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.figures.loads import cpu_load, memory_load
from dash_app.figures.style import duration_text
from dash_app.page import ENDPOINT, Live, Page
from dash_app.parameters import MOST_PAGES, number_in
from dash_app.view import Table, View, card, nothing
from otel_fmd.analysis.outliers import OutlierLoad
from otel_fmd.queries.outliers import outlier_count, outlier_loads, outliers
from otel_fmd.queries.snapshot import Snapshot

_PER_PAGE = 100
_EMPTY = (
    "No outlier in the selected time. A request is an outlier when it takes 2.5 times as long as "
    "the endpoint's mean, once 30 requests are known. The endpoint's monitor level must be 2 or 3."
)
_NO_LOAD = (
    "CPU and memory come from our agent in the monitored app, where psutil is installed: "
    "otel_fmd.instrument(app)."
)


def load(snapshot: Snapshot, context: Context) -> list[OutlierLoad]:
    """CPU and memory at the newest outliers."""
    return outlier_loads(snapshot, context.endpoint_id, context.selection(snapshot))


def table(data: list[OutlierLoad], context: Context) -> Table:
    """One row per outlier."""
    rows = [
        (
            context.time_text(one.time_requested),
            one.duration_ms,
            one.memory_percent,
            *(f"{value:g}" for value in one.cpu_percent),
        )
        for one in data
    ]
    cores = max((len(one.cpu_percent) for one in data), default=0)
    header = ("time", "duration_ms", "memory_percent", *(f"core_{n}_percent" for n in range(cores)))
    return header, rows


CPU = View(
    name="outlier-cpu",
    title="CPU at outliers",
    description="How busy each core was when a request was slow. Boxes near 100 % mean that the "
    "machine was busy; near 0 %, the requests waited for something else: look at their stacks.",
    load=load,
    figure=cpu_load,
    table=table,
    empty=_NO_LOAD,
)
MEMORY = View(
    name="outlier-memory",
    title="Memory at outliers",
    description="How much of the machine's memory was in use. Points near 100 % mean that it was "
    "short of memory, and may have been swapping.",
    load=load,
    figure=memory_load,
    table=table,
    empty=_NO_LOAD,
)


def layout(context: Context) -> Any:
    """The newest outliers, a page at a time."""
    number = _page_number(context)
    rows, total = _rows(context, number)
    if not rows:
        return [nothing(_EMPTY)]
    first = number * _PER_PAGE + 1
    note = f"{first:,} to {first + len(rows) - 1:,} of {total:,}. Click a time for all of it."
    columns = (
        ("time", f"time ({context.zone.key})", "link"),
        ("duration", "duration (ms)", "duration"),
        ("version", "version", ""),
        ("user", "user", ""),
        ("ip", "address", ""),
        ("status", "status", ""),
        ("url", "URL", "url"),
    )
    links = []
    path = f"/endpoint/{context.endpoint_id}/outliers"
    if number:
        links.append(dcc.Link("← Newer", href=context.href(path, page=str(number - 1))))
    if first + len(rows) <= total:
        links.append(dcc.Link("Older →", href=context.href(path, page=str(number + 1))))
    return [
        grid("outliers", "Outliers, newest first", rows, columns, note=note),
        dmc.Group(links, justify="center"),
        dmc.SimpleGrid([card(CPU, context), card(MEMORY, context)], cols={"base": 1, "lg": 2}),
    ]


def live(context: Context) -> Live:
    """The page again."""
    return Live(_rows(context, _page_number(context))[0])


def _page_number(context: Context) -> int:
    return number_in(context.query.get("page"), MOST_PAGES) or 0


def _rows(context: Context, number: int) -> tuple[list[Row], int]:
    with context.reader.snapshot() as snapshot:
        selection = context.selection(snapshot)
        total = outlier_count(snapshot, context.endpoint_id, selection)
        start = number * _PER_PAGE
        found = outliers(snapshot, context.endpoint_id, selection, offset=start, limit=_PER_PAGE)
    rows = [
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
        for one in found
    ]
    return rows, total


PAGE = Page(
    "/endpoint/<endpoint>/outliers",
    "Outliers",
    ENDPOINT,
    (CPU, MEMORY),
    layout,
    live={"outliers": live},
)
