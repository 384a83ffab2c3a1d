"""The overview: every endpoint with its hits, errors and durations."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update

from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.figures.style import count_text, duration_text
from dash_app.page import APPLICATION, Page
from dash_app.view import nothing
from otel_fmd.api.security import is_admin
from otel_fmd.database.endpoints import set_monitor_level
from otel_fmd.database.queries.overview import Overview, OverviewRow, overview
from otel_fmd.errors import OtelFmdError

_EMPTY = (
    "No endpoint has been requested yet. Point an OTLP exporter at this receiver, for example "
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 opentelemetry-instrument flask run"
)
_COLUMNS = (
    ("endpoint", "endpoint", "link"),
    ("service", "service", ""),
    ("blueprint", "blueprint", ""),
    ("hits_today", "hits today", "number"),
    ("errors_today", "errors today", "number"),
    ("hits_week", "hits 7 days", "number"),
    ("errors_week", "errors 7 days", "number"),
    ("hits_overall", "hits overall", "number"),
    ("errors_overall", "errors overall", "number"),
    ("median", "median (ms)", "duration"),
    ("p95", "p95 (ms)", "duration"),
    ("p99", "p99 (ms)", "duration"),
    ("median_overall", "median overall (ms)", "duration"),
    ("last", "last accessed", "time"),
)


def layout(context: Context) -> Any:
    """Totals, and a row per endpoint."""
    with context.reader.snapshot() as snapshot:
        data = overview(
            snapshot,
            context.selection(snapshot),
            now_us=context.now_us,
            today_us=context.today_us,
        )
    rows = [_row(row, context) for row in data.rows]
    rows.sort(key=lambda row: -row["hits_week"])
    level = {
        "field": "level",
        "headerName": "monitor level",
        "editable": context.is_admin,
        "cellEditor": "agSelectCellEditor",
        "cellEditorParams": {"values": [0, 1, 2, 3]},
        "singleClickEdit": True,
        "width": 90,
        "suppressHeaderFilterButton": True,
        "headerTooltip": "0 last requested, 1 requests, 2 outliers, 3 profiles",
    }
    spark = {
        "field": "spark",
        "headerName": "last 24 hours",
        "cellRenderer": "FmdSparkline",
        "cellDataType": False,
        "sortable": False,
        "filter": False,
        "width": 158,
    }
    table = grid(
        "overview",
        "Endpoints",
        rows,
        _COLUMNS,
        note="Hits and errors (status 400 to 599); durations of the selected time. Click a name.",
        empty=nothing(_EMPTY),
        extra=(spark, level),
        hidden=[name for name in ("blueprint", "service") if len({r[name] for r in rows}) < 2],
    )
    return [_totals(data), html.Div(id="level-note", role="status"), table]


def _row(row: OverviewRow, context: Context) -> dict[str, Any]:
    return {
        "id": row.endpoint.id,
        "endpoint": row.endpoint.name,
        "href": context.href(f"/endpoint/{row.endpoint.id}/hourly"),
        "blueprint": row.endpoint.blueprint,
        "service": row.endpoint.service,
        "hits_today": row.today.requests,
        "errors_today": row.today.errors,
        "hits_week": row.week.requests,
        "errors_week": row.week.errors,
        "hits_overall": row.overall.requests,
        "errors_overall": row.overall.errors,
        "median": row.latency.median if row.latency else None,
        "p95": row.latency.p95 if row.latency else None,
        "p99": row.latency.p99 if row.latency else None,
        "median_overall": row.median_overall,
        "last": context.time_text(row.last_requested)[:16],
        "spark": row.sparkline,
        "level": row.endpoint.monitor_level,
    }


def _totals(data: Overview) -> dmc.SimpleGrid:
    requests, errors = data.selected
    rate = 100 * errors / requests if requests else 0.0
    one = data.latency
    figures = (
        ("requests", count_text(requests), f"{requests / data.hours / 60:.3g} per minute"),
        ("errors", f"{rate:.2f} %", f"{count_text(errors)} with status 400 to 599"),
        ("median", duration_text(one.median if one else None), "half of the requests are faster"),
        ("p95", duration_text(one.p95 if one else None), "1 in 20 takes longer"),
        ("p99", duration_text(one.p99 if one else None), "1 in 100 takes longer"),
    )
    cards = [
        dmc.Paper(
            [
                html.Div(name, className="figure-name"),
                html.Div(value, className="figure-value"),
                html.Div(note, className="muted"),
            ],
            withBorder=True,
            p="sm",
            radius="md",
        )
        for name, value, note in figures
    ]
    return dmc.SimpleGrid(cards, cols={"base": 2, "sm": 3, "lg": 5}, className="card")


def register(app: Dash, make: Any) -> None:
    """Setting a monitor level in the table."""

    @app.callback(
        Output("level-note", "children"),
        Input({"type": "grid", "view": "overview"}, "cellValueChanged"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def change_level(changes: list[dict[str, Any]] | None, path: str, search: str) -> Any:
        if not changes:
            return no_update
        if not is_admin():
            return dmc.Alert("Only an admin can change a monitor level.", color="red")
        context = make(path, search)
        try:
            for change in changes:
                level = int(change["value"])
                set_monitor_level(context.reader.store, int(change["data"]["id"]), level)
                name = change["data"]["endpoint"]
        except OtelFmdError as error:
            return dmc.Alert(str(error), color="red")
        return dmc.Alert(f"{name} is now at monitor level {level}.", color="green")


PAGE = Page("/", "Overview", APPLICATION, (), layout)
