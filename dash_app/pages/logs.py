"""Log records: a searchable list, a page at a time."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dash_app.components.logs import LOGS_PATH, log_rows, log_table
from dash_app.context import Context
from dash_app.page import APPLICATION, Live, LiveTable, MakeContext, Page
from otel_fmd.analysis.text import visible
from otel_fmd.signals.log_record import SEVERITIES
from otel_fmd.views.load import Loaded
from otel_fmd.views.logs import LOG_FILTERS, LOGS, SEVERITY, TEXT, TRACE, Logs


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The filters, a page of records, and a link to the next."""
    data = loaded[LOGS]
    more = data.cursor is not None
    shown = log_table(
        log_rows(data.found, context),
        context,
        title=f"{LOGS.title}, newest first",
        empty="None found yet; continue below." if more else LOGS.empty,
        note="The time of a record that belongs to a trace leads to all records of that trace.",
    )
    parts: list[Any] = [_search(context), _chips(data, context), shown]
    if more:
        href = context.href(LOGS_PATH, **_filters(context), cursor=str(data.cursor))
        parts.append(dmc.Center(dcc.Link("Older records →", href=href)))
    return parts


def live(data: Logs, context: Context) -> Live:
    """The records, refreshed."""
    return Live(log_rows(data.found, context))


def _filters(context: Context) -> dict[str, str]:
    return {one.name: context.query[one.name] for one in LOG_FILTERS if one.name in context.query}


def _search(context: Context) -> Any:
    links = [
        dcc.Link(
            name,
            href=context.href(LOGS_PATH, **{**_filters(context), SEVERITY.name: name}),
            className="preset" + (" preset-active" if context.value(SEVERITY) == name else ""),
            title=f"{name} and above",
        )
        for name in SEVERITIES
    ]
    field = dmc.TextInput(
        id="log-text",
        value=context.value(TEXT),
        placeholder="Text, attribute or logger",
        debounce=600,
        w=260,
        **{"aria-label": "Only records that contain this"},
    )
    return html.Div([field, *links], className="changes")


def _chips(data: Logs, context: Context) -> Any:
    """The filters of the list; each can be removed, and those that cannot be read say so."""
    links: list[Any] = []
    for name, value in _filters(context).items():
        refusal = next(context.refusal(one) for one in LOG_FILTERS if one.name == name)
        kept = {key: other for key, other in _filters(context).items() if key != name}
        label = f"{name}: {visible(value) or '(none)'}{' (ignored)' if refusal else ''} ✕"
        href = context.href(LOGS_PATH, **kept)
        links.append(dcc.Link(label, href=href, className="preset", title=refusal or f"Any {name}"))
    if context.value(TRACE) and data.request is not None:
        href = context.href(f"/request/{data.request.id}")
        links.append(dcc.Link("Its request →", href=href, className="preset"))
    return html.Div(links, className="changes") if links else None


def register(app: Dash, make: MakeContext) -> None:
    """Searching changes the address."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input("log-text", "value"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def search(text: Any, path: str, query: str) -> Any:
        context = make(path, query)
        wanted = str(text or "")
        if wanted == context.value(TEXT):
            return no_update
        changes: dict[str, str | None] = {**_filters(context), TEXT.name: wanted or None}
        _, _, found = context.href(LOGS_PATH, **changes).partition("?")
        return f"?{found}" if found else ""


PAGE = Page(
    LOGS_PATH,
    "Logs",
    APPLICATION,
    layout=layout,
    tables={"logs": LiveTable(LOGS, live)},
    register=register,
)
