"""Refreshing what is shown, opening what is behind it, and downloads: for every view and table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from dash import MATCH, Dash, Input, Output, State, ctx, no_update

from dash_app.context import Context
from dash_app.page import Live
from dash_app.routing import Make
from dash_app.view import View, body, csv_text
from otel_fmd.errors import OtelFmdError

_log = logging.getLogger(__name__)


def register_views(app: Dash, make: Make, views: Mapping[str, View]) -> None:
    @app.callback(
        Output({"type": "fresh", "view": MATCH}, "data"),
        Output({"type": "message", "view": MATCH}, "children"),
        Input("live", "n_intervals"),
        Input("repaint", "data"),
        State({"type": "graph", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def refresh(
        _ticks: int, _repaint: Any, identifier: dict[str, str], path: str, search: str
    ) -> Any:
        found = body(views[identifier["view"]], make(path, search))
        return {"figure": found.figure, "style": found.style}, found.message

    @app.callback(
        Output("url", "href"),
        Input({"type": "graph", "view": MATCH}, "clickData"),
        State({"type": "graph", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def open_point(click: Any, identifier: dict[str, str], path: str, search: str) -> Any:
        view = views[identifier["view"]]
        if not click or view.click is None:
            return no_update
        try:
            return view.click(click["points"][0], make(path, search)) or no_update
        except (IndexError, KeyError, TypeError, ValueError):
            _log.warning("view %s: %.200r is no point of it", view.name, click)
            return no_update

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
        view = views[ctx.triggered_id["view"]]
        return {"content": csv_text(view, make(path, search)), "filename": f"{view.name}.csv"}


def register_tables(app: Dash, make: Make, tables: Mapping[str, Callable[[Context], Live]]) -> None:
    @app.callback(
        Output({"type": "grid", "view": MATCH}, "rowData"),
        Output({"type": "above", "view": MATCH}, "children"),
        Input("live", "n_intervals"),
        State({"type": "grid", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def refresh(_ticks: int, identifier: dict[str, str], path: str, search: str) -> Any:
        load = tables.get(identifier["view"])
        if load is None:
            return no_update, no_update
        try:
            found = load(make(path, search))
        except OtelFmdError as error:
            _log.warning("table %s: %s", identifier["view"], error)
            return no_update, no_update
        return found.rows, no_update if found.above is None else found.above

    @app.callback(
        Output({"type": "grid", "view": MATCH}, "exportDataAsCsv"),
        Input({"type": "grid-csv", "view": MATCH}, "n_clicks"),
        prevent_initial_call=True,
    )
    def export(clicks: int | None) -> bool:
        return bool(clicks)
