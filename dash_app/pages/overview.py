"""The overview: every endpoint with its hits, errors and durations."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import APPLICATION, Live, LiveTable, MakeContext, Page
from otel_fmd.actions.levels import set_monitor_level
from otel_fmd.analysis.text import count_text, duration_text, visible
from otel_fmd.errors import OtelFmdError
from otel_fmd.queries.overview import OverviewRow
from otel_fmd.views.hints import first_requests
from otel_fmd.views.load import Loaded
from otel_fmd.views.overview import (
    BLUEPRINT,
    BLUEPRINTS,
    OVERVIEW,
    Data,
    last_requested,
    name_of,
)

_COLUMNS = (
    ("endpoint", "endpoint", "link"),
    ("service", "service", "short"),
    ("blueprint", "blueprint", "short"),
    ("hits_today", "hits today", "number"),
    ("errors_today", "errors today", "number"),
    ("hits_week", "hits 7 days", "number"),
    ("errors_week", "errors 7 days", "number"),
    ("hits_overall", "hits overall", "number"),
    ("errors_overall", "errors overall", "number"),
    ("per_minute", "per minute", "duration"),
    ("error_rate", "errors (%)", "percent"),
    ("median", "median (ms)", "duration"),
    ("change", "median change", "change"),
    ("p95", "p95 (ms)", "duration"),
    ("p99", "p99 (ms)", "duration"),
    ("median_overall", "median overall (ms)", "duration"),
    ("last", "last accessed", "time"),
)
_HIDDEN = ("errors_today", "errors_overall", "per_minute", "median_overall")
_MOST_CHANGES = 3


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """Totals, what changed most, and a row per endpoint."""
    data = loaded[OVERVIEW]
    rows = _rows(data, context)
    grouped = data.is_grouped
    level = {
        "field": "level",
        "headerName": "monitor level",
        "editable": context.actor.is_admin,
        "cellEditor": "agSelectCellEditor",
        "cellEditorParams": {"values": [0, 1, 2, 3]},
        "singleClickEdit": True,
        "width": 90,
        "suppressHeaderFilterButton": True,
        "headerTooltip": "0 last request time only, 1 requests, 2 outliers, 3 profiles",
    }
    spark = {
        "field": "spark",
        "headerName": "last 24 hours",
        "cellRenderer": "FmdSparkline",
        "cellDataType": False,
        "sortable": False,
        "filter": False,
        "width": 140,
    }
    same = [name for name in ("blueprint", "service") if len({r[name] for r in rows}) < 2]
    table = grid(
        "overview",
        "Blueprints" if grouped else "Endpoints",
        rows,
        _COLUMNS,
        note=OVERVIEW.description,
        empty=_empty(context),
        extra=() if grouped else (level,),
        after_first=spark,
        hidden=(*_HIDDEN, *same, *(("blueprint",) if grouped else ())),
        above=_above(data, context),
    )
    return [
        html.P(context.settings.description, className="tagline"),
        html.Div(id="level-note", role="status"),
        table,
    ]


def _empty(context: Context) -> Any:
    """How to send the first requests; with a selection, that nothing matches it."""
    if context.service or context.version or context.value(BLUEPRINT) is not None:
        return nothing("No endpoint matches the selection. Choose another service or version.")
    hint = first_requests(context.settings, context.host)
    return nothing(f"{OVERVIEW.empty} {hint.words}", hint.commands)


def _rows(data: Data, context: Context) -> list[Row]:
    return [_row(row, data, context) for row in data.overview.rows]


def _row(row: OverviewRow, data: Data, context: Context) -> Row:
    endpoint = row.endpoint
    if data.is_grouped:
        href = context.href("/", service=endpoint.service, blueprint=endpoint.blueprint)
    else:
        href = context.href(f"/endpoint/{endpoint.id}/hourly")
    latency = row.latency
    rate = row.selected.error_rate
    return {
        "id": str(endpoint.id),
        "endpoint": name_of(row, data),
        "href": href,
        "blueprint": endpoint.blueprint,
        "service": endpoint.service,
        "hits_today": row.today.requests,
        "errors_today": row.today.errors,
        "hits_week": row.week.requests,
        "errors_week": row.week.errors,
        "hits_overall": row.overall.requests,
        "errors_overall": row.overall.errors,
        "per_minute": row.selected.requests / data.overview.hours / 60,
        "error_rate": None if rate is None else 100 * rate,
        "median": latency.median if latency else None,
        "change": row.median_change,
        "p95": latency.p95 if latency else None,
        "p99": latency.p99 if latency else None,
        "median_overall": row.median_overall,
        "last": last_requested(row, context),
        "spark": row.sparkline,
        "level": endpoint.monitor_level,
    }


def live(data: Data, context: Context) -> Live:
    """Everything that changes."""
    return Live(_rows(data, context), _above(data, context))


def _above(data: Data, context: Context) -> list[Any]:
    """Totals, what changed most, and how rows are grouped."""
    found = data.overview
    requests, errors = found.selected
    rate = 100 * errors / requests if requests else 0.0
    one = found.latency
    figures = (
        ("requests", count_text(requests), f"{requests / found.hours / 60:.3g} per minute"),
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
    parts: list[Any] = []
    parts += [dmc.Alert(one, color="yellow", className="card") for one in data.warnings]
    parts += [dmc.SimpleGrid(cards, cols={"base": 2, "sm": 3, "lg": 5}, className="card")]
    changed = found.changed_most(_MOST_CHANGES)
    if changed:
        words = html.Span("Changed most from the previous period:", className="figure-name")
        links = [_change(row, data, context) for row in changed]
        parts.append(html.Div([words, *links], className="changes"))
    return [*parts, _group_links(data, context)]


def _change(row: OverviewRow, data: Data, context: Context) -> Any:
    """A link with a change in words."""
    slower, failing = row.effects
    parts = []
    if slower and row.latency and row.latency_before and row.median_change is not None:
        parts.append(
            f"median {duration_text(row.latency_before.median)} → "
            f"{duration_text(row.latency.median)} ({100 * row.median_change:+.0f} %)"
        )
    if failing and row.error_change is not None:
        parts.append(f"errors {100 * row.error_change:+.1f} points")
    worse = max(slower, failing) > -min(slower, failing)
    return dcc.Link(
        [html.B(name_of(row, data)), f" {', '.join(parts)}"],
        href=context.href(f"/endpoint/{row.endpoint.id}/versions"),
        className="change change-worse" if worse else "change change-better",
    )


def _group_links(data: Data, context: Context) -> dmc.Group:
    grouped = data.is_grouped
    links = [("Endpoints", None, not grouped), ("Blueprints", BLUEPRINTS, grouped)]
    found = [
        dcc.Link(
            label,
            href=context.href("/", group=value),
            className="preset" + (" preset-active" if active else ""),
        )
        for label, value, active in links
    ]
    blueprint = context.value(BLUEPRINT)
    if blueprint is not None and not grouped:
        found.append(
            dcc.Link(
                f"only blueprint {visible(blueprint) or '(none)'} ✕",
                href=context.href("/"),
                className="preset",
            )
        )
    return dmc.Group(found, className="card", gap="xs")


def register(app: Dash, make: MakeContext) -> None:
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
        context = make(path, search)
        try:
            for change in changes:
                level = int(change["value"])
                set_monitor_level(
                    context.actor, context.reader.store, int(change["data"]["id"]), level
                )
                name = change["data"]["endpoint"]
        except OtelFmdError as error:
            return dmc.Alert(str(error), color="red")
        except (KeyError, TypeError, ValueError):
            return dmc.Alert("This is not a change of a monitor level.", color="red")
        return dmc.Alert(f"{visible(name)} is now at monitor level {level}.", color="green")


PAGE = Page(
    "/",
    "Overview",
    APPLICATION,
    layout=layout,
    tables={"overview": LiveTable(OVERVIEW, live)},
    register=register,
)
