"""Requests behind a figure: newest first, a page at a time."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc

from dash_app.components.tables import request_table
from dash_app.context import Context
from dash_app.page import HIDDEN, Page
from otel_fmd.analysis.calendar import hour_of
from otel_fmd.database.queries.rows import RequestFilter, requests
from otel_fmd.database.queries.selection import Selection
from otel_fmd.database.queries.snapshot import Snapshot

_LIMIT = 100
_STATUS_MOST = 1000


def layout(context: Context) -> Any:
    """A page of requests and a link to the next."""
    query = context.query
    with context.reader.snapshot() as snapshot:
        page = requests(
            snapshot,
            _selection(snapshot, context),
            keep=_filter(context),
            cursor=_number(query.get("cursor")),
            limit=_LIMIT,
        )
        shown = request_table(
            page.requests,
            snapshot.endpoints,
            context,
            title="Requests, newest first",
            empty="No such requests in the selected time.",
        )
    parts: list[Any] = [shown]
    if page.cursor is not None:
        kept = {k: query[k] for k in ("endpoint", "status", "user", "ip", "hour") if k in query}
        more = context.href("/requests", **kept, cursor=str(page.cursor))
        parts.append(dmc.Center(dcc.Link("Older requests →", href=more)))
    return parts


def _selection(snapshot: Snapshot, context: Context) -> Selection:
    selection = context.selection(snapshot)
    endpoint = _number(context.query.get("endpoint"))
    if endpoint is not None:
        selection = selection.of([endpoint], selection.version_ids)
    hour, days = _number(context.query.get("hour")), context.custom_days
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
    elif len(status) == 3 and status.endswith("xx") and status[0].isdigit():
        low, high = int(status[0]) * 100, int(status[0]) * 100 + 100
    elif status.isascii() and status.isdigit() and int(status) < _STATUS_MOST:
        low, high = int(status), int(status) + 1
    return RequestFilter(low, high, query.get("user"), query.get("ip"))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None


PAGE = Page("/requests", "Requests", HIDDEN, (), layout)
