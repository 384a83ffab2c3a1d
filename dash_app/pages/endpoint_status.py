"""Status codes of one endpoint, with the failed requests."""

from __future__ import annotations

from typing import Any

from dash_app.chart import Chart, card
from dash_app.components.tables import request_rows, request_table
from dash_app.context import Context
from dash_app.figures.bars import status_distribution
from dash_app.page import ENDPOINT, Live, LiveTable, Page
from otel_fmd.views.load import Loaded
from otel_fmd.views.requests import ENDPOINT_STATUS, FAILED_REQUESTS, NamedRequest


def open_status(point: dict[str, Any], context: Context) -> str | None:
    """The requests behind a bar."""
    status = str(point["x"])
    return context.href("/requests", endpoint=str(context.endpoint_id), status=status)


def layout(loaded: Loaded[Context], context: Context) -> list[Any]:
    """The distribution, and the newest failed requests."""
    view = FAILED_REQUESTS
    failed = loaded[view]
    rows = request_rows(failed, context)
    failures = request_table(rows, context, title=view.title, empty=view.empty)
    return [card(CHART, loaded), failures]


def live(data: list[NamedRequest], context: Context) -> Live:
    """The newest failed requests, refreshed."""
    return Live(request_rows(data, context))


CHART = Chart(ENDPOINT_STATUS, status_distribution, open_status)
PAGE = Page(
    "/endpoint/<endpoint>/status",
    "Status codes",
    ENDPOINT,
    (CHART,),
    layout=layout,
    tables={"requests": LiveTable(FAILED_REQUESTS, live)},
)
