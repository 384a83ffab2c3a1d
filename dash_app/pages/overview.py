"""The overview: every endpoint with its hits, errors and durations."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.figures.style import count_text, duration_text, visible
from dash_app.hints import first_requests
from dash_app.page import APPLICATION, Live, Page
from dash_app.view import nothing
from otel_fmd.actions.levels import set_monitor_level
from otel_fmd.errors import OtelFmdError
from otel_fmd.queries.overview import Overview, OverviewRow, overview
from otel_fmd.web.security import is_admin

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
BLUEPRINTS = "blueprint"


def layout(context: Context) -> Any:
    """Totals, what changed most, and a row per endpoint."""
    data = _query(context)
    rows = _rows(data, context)
    grouped = _is_grouped(context)
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
        "width": 140,
    }
    same = [name for name in ("blueprint", "service") if len({r[name] for r in rows}) < 2]
    table = grid(
        "overview",
        "Blueprints" if grouped else "Endpoints",
        rows,
        _COLUMNS,
        note="Hits and errors (status 400 to 599); rates, durations and their change since the "
        "time as long before, of the selected time. Click a name.",
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
    """How the first requests get here; elsewhere what hides those that are there."""
    if context.service or context.version or context.query.get("blueprint") is not None:
        return nothing("No endpoint of this selection. Choose another service or version.")
    hint = first_requests(context.settings, context.host)
    return nothing(f"No endpoint has been requested yet. {hint.words}", hint.commands)


def _query(context: Context) -> Overview:
    with context.reader.snapshot() as snapshot:
        data = overview(
            snapshot,
            context.selection(snapshot),
            now_us=context.now_us,
            today_us=context.today_us,
            by_blueprint=_is_grouped(context),
        )
    wanted = context.query.get("blueprint")
    if wanted is None:
        return data
    return data._replace(rows=[row for row in data.rows if row.endpoint.blueprint == wanted])


def _is_grouped(context: Context) -> bool:
    return context.query.get("group") == BLUEPRINTS


def _rows(data: Overview, context: Context) -> list[Row]:
    rows = [_row(row, data.hours, context) for row in data.rows]
    return sorted(rows, key=lambda row: -row["hits_week"])


def _row(row: OverviewRow, hours: int, context: Context) -> Row:
    endpoint = row.endpoint
    if _is_grouped(context):
        name = endpoint.blueprint or "(none)"
        href = context.href("/", service=endpoint.service, blueprint=endpoint.blueprint)
    else:
        name = endpoint.name
        href = context.href(f"/endpoint/{endpoint.id}/hourly")
    latency = row.latency
    rate = row.selected.error_rate
    return {
        "id": str(endpoint.id),
        "endpoint": name,
        "href": href,
        "blueprint": endpoint.blueprint,
        "service": endpoint.service,
        "hits_today": row.today.requests,
        "errors_today": row.today.errors,
        "hits_week": row.week.requests,
        "errors_week": row.week.errors,
        "hits_overall": row.overall.requests,
        "errors_overall": row.overall.errors,
        "per_minute": row.selected.requests / hours / 60,
        "error_rate": None if rate is None else 100 * rate,
        "median": latency.median if latency else None,
        "change": row.median_change,
        "p95": latency.p95 if latency else None,
        "p99": latency.p99 if latency else None,
        "median_overall": row.median_overall,
        "last": _last(row, context),
        "spark": row.sparkline,
        "level": endpoint.monitor_level,
    }


def _last(row: OverviewRow, context: Context) -> str:
    """When it was requested last; of one that never was, since when it could have been."""
    if row.last_requested is not None or row.overall.requests:
        return context.time_text(row.last_requested)[:16]
    added = min((one.time_added for one in row.endpoints if one.time_added), default=None)
    return "never" if added is None else f"never since {context.time_text(added)[:10]}"


def live(context: Context) -> Live:
    """Everything that changes, with one query."""
    data = _query(context)
    return Live(_rows(data, context), _above(data, context))


def _above(data: Overview, context: Context) -> list[Any]:
    """Totals, what changed most, and how rows are grouped."""
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
    parts = _from_the_future(data, context)
    parts += [dmc.SimpleGrid(cards, cols={"base": 2, "sm": 3, "lg": 5}, className="card")]
    changed = data.changed_most(_MOST_CHANGES)
    if changed:
        words = html.Span("Changed most since the time before:", className="figure-name")
        found = [_change(row, context) for row in changed]
        parts.append(html.Div([words, *found], className="changes"))
    return [*parts, _group_links(context)]


def _from_the_future(data: Overview, context: Context) -> list[Any]:
    """Whose clock is ahead."""
    if not data.future.requests:
        return []
    with context.reader.snapshot() as snapshot:
        services = data.future.by_service(snapshot)
    more = "at least " if data.future.is_cut else ""
    whose = ", ".join(f"{count_text(number)} of {visible(name)}" for name, number in services)
    number = len(data.future.requests)
    last = context.time_text(data.future.requests[-1].time_requested)[:16]
    words = (
        f"{more}{count_text(number)} request{'' if number == 1 else 's'} from the future ({whose}; "
        f"until {last}): check the clock there. "
        "They are kept, and in no figure of today."
    )
    return [dmc.Alert(words, color="yellow", className="card")]


def _change(row: OverviewRow, context: Context) -> Any:
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
    name = row.endpoint.blueprint or "(none)" if _is_grouped(context) else row.endpoint.name
    return dcc.Link(
        [html.B(name), f" {', '.join(parts)}"],
        href=context.href(f"/endpoint/{row.endpoint.id}/versions"),
        className="change change-worse" if worse else "change change-better",
    )


def _group_links(context: Context) -> dmc.Group:
    grouped = _is_grouped(context)
    links = [("Endpoints", None, not grouped), ("Blueprints", BLUEPRINTS, grouped)]
    found = [
        dcc.Link(
            label,
            href=context.href("/", group=value),
            className="preset" + (" preset-active" if active else ""),
        )
        for label, value, active in links
    ]
    blueprint = context.query.get("blueprint")
    if blueprint is not None and not grouped:
        found.append(
            dcc.Link(
                f"only blueprint {visible(blueprint) or '(none)'} ✕",
                href=context.href("/"),
                className="preset",
            )
        )
    return dmc.Group(found, className="card", gap="xs")


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
        except (KeyError, TypeError, ValueError):
            return dmc.Alert("This is no change of a monitor level.", color="red")
        return dmc.Alert(f"{visible(name)} is now at monitor level {level}.", color="green")


PAGE = Page("/", "Overview", APPLICATION, (), layout, live={"overview": live})
