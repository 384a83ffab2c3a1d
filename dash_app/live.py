"""Refreshes, clicks and downloads, for every chart and table.

A page is refreshed as a whole, from one snapshot, and shows only what its visitor may see.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from dash import ALL, MATCH, Dash, Input, Output, State, ctx, no_update

from dash_app.chart import Chart, body
from dash_app.components.states import failure
from dash_app.context import Context
from dash_app.page import Live, MakeContext, Page
from dash_app.routing import find_page
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.actor import require
from otel_fmd.views.view import csv_text
from otel_fmd.web.failures import logged

_log = logging.getLogger(__name__)


class Fresh(NamedTuple):
    """What a page shows now: figures (or messages in their place) and tables, by name."""

    charts: dict[str, tuple[Any, Any]]
    tables: dict[str, Live]


def fresh(context: Context) -> Fresh:
    """Everything on a page that changes."""
    found = find_page(context.path)
    if found is None:
        return Fresh({}, {})
    page = found[0]
    try:
        loaded = page.load(context)
        charts = {}
        for chart in page.charts:
            drawn = body(chart, loaded)
            shown = {"figure": drawn.figure, "style": drawn.style}
            charts[chart.key] = (shown, drawn.message)
        tables = {
            name: table.show(loaded[table.view], loaded.look)
            for name, table in page.tables.items()
            if table.view in loaded
        }
    except OtelFmdError as error:
        _log.warning("page %s: %s", context.path, error)
        return _failed(page, f"The data could not be read: {error}")
    except Exception as error:
        return _failed(page, logged(f"a refresh of {context.path[:200]!r}", error))
    return Fresh(charts, tables)


def _failed(page: Page, text: str) -> Fresh:
    """The error in place of charts; tables stay as they are."""
    instead = failure(text)
    hidden = {"figure": {}, "style": {"display": "none"}}
    return Fresh({chart.key: (hidden, instead) for chart in page.charts}, {})


def register(app: Dash, make: MakeContext) -> None:
    """Refreshing, clicks and downloads."""
    _register_refresh(app, make)
    _register_clicks(app, make)
    _register_downloads(app, make)


def _register_refresh(app: Dash, make: MakeContext) -> None:
    @app.callback(
        Output({"type": "fresh", "view": ALL}, "data"),
        Output({"type": "message", "view": ALL}, "children"),
        Output({"type": "grid", "view": ALL}, "rowData"),
        Output({"type": "above", "view": ALL}, "children"),
        Input("live", "n_intervals"),
        Input("repaint", "data"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def refresh(_ticks: int, _repaint: Any, path: str, search: str) -> Any:
        found = fresh(make(path, search))
        stays = Live([])
        outputs = [[part["id"]["view"] for part in output] for output in ctx.outputs_list]
        drawn, messages, grids, above = outputs
        # The browser changes all colours except those of figures.
        redraws_only = ctx.triggered_id == "repaint"

        def rows(name: str) -> Any:
            known = name in found.tables and not redraws_only
            return found.tables[name].rows if known else no_update

        def head(name: str) -> Any:
            shown = found.tables.get(name, stays).above
            return no_update if shown is None or redraws_only else shown

        unknown = (no_update, no_update)
        return (
            [found.charts.get(name, unknown)[0] for name in drawn],
            [found.charts.get(name, unknown)[1] for name in messages],
            [rows(name) for name in grids],
            [head(name) for name in above],
        )


def _register_clicks(app: Dash, make: MakeContext) -> None:
    @app.callback(
        Output("url", "href"),
        Input({"type": "graph", "view": MATCH}, "clickData"),
        State({"type": "graph", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def open_point(click: Any, identifier: Any, path: str, search: str) -> Any:
        key = str(identifier.get("view")) if isinstance(identifier, dict) else ""
        chart = _chart(path, make, search, key)
        if not click or chart is None or chart[0].click is None:
            return no_update
        try:
            return chart[0].click(click["points"][0], chart[1]) or no_update
        except (IndexError, KeyError, TypeError, ValueError):
            _log.warning("chart %s: %.200r is not one of its points", key, click)
            return no_update


def _register_downloads(app: Dash, make: MakeContext) -> None:
    @app.callback(
        Output("download", "data"),
        Input({"type": "csv", "view": MATCH}, "n_clicks"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def download(clicks: int | None, path: str, search: str) -> Any:
        if not clicks or not isinstance(ctx.triggered_id, dict):
            return no_update
        found = _chart(path, make, search, ctx.triggered_id["view"])
        if found is None:
            return no_update
        return {"content": chart_csv(*found), "filename": f"{found[0].key}.csv"}

    @app.callback(
        Output({"type": "grid", "view": MATCH}, "exportDataAsCsv"),
        Input({"type": "grid-csv", "view": MATCH}, "n_clicks"),
        prevent_initial_call=True,
    )
    def export(clicks: int | None) -> bool:
        return bool(clicks)


def chart_csv(chart: Chart[Any], context: Context) -> str:
    """The data of a chart as CSV."""
    return csv_text(context.load([chart.view]).table(chart.view))


def _chart(
    path: str, make: MakeContext, search: str, key: str
) -> tuple[Chart[Any], Context] | None:
    """A chart of the page at an address, and its context."""
    context = make(path, search)
    found = find_page(context.path)
    if found is None:
        return None
    require(context.actor, found[0].role, "see this page")
    chart = found[0].chart(key)
    return None if chart is None else (chart, context)
