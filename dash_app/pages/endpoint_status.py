"""Status codes of one endpoint, with the failed requests."""

from __future__ import annotations

from typing import Any

from dash_app.components.tables import Row, request_rows, request_table
from dash_app.context import Context
from dash_app.figures.bars import status_distribution
from dash_app.page import ENDPOINT, Live, Page
from dash_app.view import Table, View, card
from otel_fmd.queries.rows import RequestFilter, requests
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.utilization import status_codes

_MOST = 100


def load(snapshot: Snapshot, context: Context) -> dict[int, int]:
    """Requests per status code."""
    return status_codes(snapshot, context.selection(snapshot))


def table(data: dict[int, int], _context: Context) -> Table:
    """One row per status code."""
    return ("status_code", "requests"), [(code or "", n) for code, n in data.items()]


def open_status(point: dict[str, Any], context: Context) -> str | None:
    """The requests behind a bar."""
    status = str(point["x"])
    return context.href("/requests", endpoint=str(context.endpoint_id), status=status)


VIEW = View(
    name="endpoint-status",
    title="Status codes",
    description="What the endpoint answers. Orange (4xx) is the client's doing, red (5xx) yours; "
    "click a bar to see its requests.",
    load=load,
    figure=status_distribution,
    table=table,
    click=open_status,
)


def layout(context: Context) -> list[Any]:
    """The distribution, and the newest failed requests."""
    failures = request_table(
        _failed(context),
        context,
        title="Failed requests, newest first",
        empty="No failed requests in the selected time.",
    )
    return [card(VIEW, context), failures]


def _failed(context: Context) -> list[Row]:
    with context.reader.snapshot() as snapshot:
        failed = requests(
            snapshot,
            context.selection(snapshot),
            keep=RequestFilter(status_from=400, status_to=600),
            limit=_MOST,
        )
        return request_rows(failed.requests, snapshot.endpoints, context)


def live(context: Context) -> Live:
    """The newest failed requests again."""
    return Live(_failed(context))


PAGE = Page(
    "/endpoint/<endpoint>/status",
    "Status codes",
    ENDPOINT,
    (VIEW,),
    layout,
    live={"requests": live},
)
