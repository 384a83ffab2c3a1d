"""Requests behind a figure, a page at a time."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.components.tables import request_rows, request_table
from dash_app.context import Context
from dash_app.page import HIDDEN, Live, LiveTable, Page
from otel_fmd.analysis.text import visible
from otel_fmd.views.load import Loaded
from otel_fmd.views.parameters import HOUR, OLDEST, ONLY_ENDPOINT, SORT
from otel_fmd.views.requests import FILTERS, REQUESTS, Requests


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The filters, a page of requests, and a link to the next."""
    data = loaded[REQUESTS]
    oldest_first = context.value(SORT) == OLDEST
    shown = request_table(
        request_rows(data.found, context),
        context,
        title=f"{REQUESTS.title}, {'oldest' if oldest_first else 'newest'} first",
        empty=REQUESTS.empty if data.cursor is None else "None found yet; continue below.",
    )
    parts: list[Any] = [_chips(data, context), shown]
    if data.cursor is not None:
        more = context.href("/requests", **_filters(context), cursor=str(data.cursor))
        which = "Newer" if oldest_first else "Older"
        parts.append(dmc.Center(dcc.Link(f"{which} requests →", href=more)))
    return parts


def live(data: Requests, context: Context) -> Live:
    """The requests, refreshed."""
    return Live(request_rows(data.found, context))


def _filters(context: Context) -> dict[str, str]:
    return {one.name: context.query[one.name] for one in FILTERS if one.name in context.query}


def _chips(data: Requests, context: Context) -> Any:
    """The filters of the list; each can be removed, and those that cannot be read say so."""
    filters = _filters(context)
    if not filters:
        return None
    words = dict(filters)
    if data.endpoint is not None:
        words[ONLY_ENDPOINT.name] = data.endpoint.name
    refusals = {one.name: context.refusal(one) for one in FILTERS}
    if HOUR.name in words and not refusals[HOUR.name]:
        words[HOUR.name] = f"{words[HOUR.name]}:00 to {words[HOUR.name]}:59"
    links = []
    for key, value in words.items():
        refusal = refusals[key]
        kept = {k: v for k, v in filters.items() if k != key}
        label = f"{key}: {visible(value) or '(none)'}{' (ignored)' if refusal else ''} ✕"
        remove = context.href("/requests", **kept)
        links.append(
            dcc.Link(label, href=remove, className="preset", title=refusal or f"Any {key}")
        )
    return html.Div(links, className="changes")


PAGE = Page(
    "/requests",
    "Requests",
    HIDDEN,
    layout=layout,
    tables={"requests": LiveTable(REQUESTS, live)},
)
