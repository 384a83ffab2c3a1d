"""Requests behind a figure: newest first, a page at a time."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.components.tables import Row, request_rows, request_table
from dash_app.context import Context
from dash_app.figures.style import visible
from dash_app.page import HIDDEN, Live, Page
from dash_app.parameters import number_in
from otel_fmd.analysis.calendar import hour_of
from otel_fmd.queries.rows import RequestFilter, requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot

_LIMIT = 100
_STATUS_MOST = 1000
_FILTERS = ("endpoint", "status", "user", "ip", "hour")


def layout(context: Context) -> Any:
    """What is looked for, a page of requests, and a link to the next."""
    rows, cursor, words = _page(context)
    shown = request_table(
        rows,
        context,
        title="Requests, newest first",
        empty="No such requests in the selected time."
        if cursor is None
        else "None found so far; go on with the older ones.",
    )
    parts: list[Any] = [_chips(words, context), shown]
    if cursor is not None:
        kept = {key: context.query[key] for key in _FILTERS if key in context.query}
        more = context.href("/requests", **kept, cursor=str(cursor))
        parts.append(dmc.Center(dcc.Link("Older requests →", href=more)))
    return parts


def live(context: Context) -> Live:
    """The newest ones again."""
    return Live(_page(context)[0])


def _page(context: Context) -> tuple[list[Row], int | None, dict[str, str]]:
    with context.reader.snapshot() as snapshot:
        page = requests(
            snapshot,
            _selection(snapshot, context),
            keep=_filter(context),
            cursor=number_in(context.query.get("cursor")),
            limit=_LIMIT,
        )
        rows = request_rows(page.requests, snapshot.endpoints, context)
        endpoint = snapshot.endpoints.get(number_in(context.query.get("endpoint")) or 0)
    words = {key: context.query[key] for key in _FILTERS if key in context.query}
    if endpoint is not None:
        words["endpoint"] = endpoint.name
    if "hour" in words:
        words["hour"] = f"{words['hour']}:00 to {words['hour']}:59"
    return rows, page.cursor, words


def _chips(words: dict[str, str], context: Context) -> Any:
    """What the list is narrowed to; each part can be taken away."""
    if not words:
        return None
    links = []
    for key, value in words.items():
        kept = {k: context.query[k] for k in words if k != key}
        label = f"{key}: {visible(value) or '(none)'} ✕"
        remove = context.href("/requests", **kept)
        links.append(dcc.Link(label, href=remove, className="preset", title=f"Any {key}"))
    return html.Div(links, className="changes")


def _selection(snapshot: Snapshot, context: Context) -> Selection:
    selection = context.selection(snapshot)
    endpoint = number_in(context.query.get("endpoint"))
    if endpoint is not None:
        selection = selection.of([endpoint], selection.version_ids)
    hour, days = number_in(context.query.get("hour")), context.custom_days
    if hour is not None and hour < 24 and days is not None:
        start = hour_of(days[0], hour, context.zone)
        return Selection(start, start + 1, selection.endpoint_ids, selection.version_ids)
    return selection


def _filter(context: Context) -> RequestFilter:
    query = context.query
    status = query.get("status", "")
    low = high = None
    if status == "none":
        low, high = 0, 1
    elif status.endswith("xx") and (kind := number_in(status[:-2], 9)) is not None:
        low, high = kind * 100, kind * 100 + 100
    elif (code := number_in(status, _STATUS_MOST - 1)) is not None:
        low, high = code, code + 1
    return RequestFilter(low, high, query.get("user"), query.get("ip"))


PAGE = Page("/requests", "Requests", HIDDEN, (), layout, live={"requests": live})
