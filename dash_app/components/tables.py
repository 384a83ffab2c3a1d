"""Tables: sortable, searchable, with a CSV download, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import html

from dash_app.context import Context
from dash_app.figures.style import duration_text
from dash_app.view import nothing
from otel_fmd.database.queries.rows import RequestRecord
from otel_fmd.database.queries.snapshot import Endpoint

Column = tuple[str, str, str]
"""Field, header, and how it is shown: '' text, `words`, `link`, `time`, `duration`, `number`."""

_NUMBER = {
    "type": "rightAligned",
    "filter": "agNumberColumnFilter",
    "suppressHeaderFilterButton": True,
    "width": 82,
}


def grid(
    name: str,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    note: str = "",
    empty: Any = None,
    extra: Sequence[Mapping[str, Any]] = (),
    hidden: Sequence[str] = (),
) -> dmc.Paper:
    """A card with a table; `empty` is shown instead when there are no rows."""
    if not rows and empty is not None:
        body: Any = empty
    else:
        body = dag.AgGrid(
            id={"type": "grid", "view": name},
            rowData=list(rows),
            columnDefs=[
                *(_column(*column) for column in columns if column[0] not in hidden),
                *extra,
            ],
            defaultColDef={
                "sortable": True,
                "filter": True,
                "resizable": True,
                "minWidth": 80,
                "width": 120,
                "wrapHeaderText": True,
                "autoHeaderHeight": True,
            },
            columnSize="responsiveSizeToFit" if len(columns) < 9 else None,
            dashGridOptions={
                "domLayout": "autoHeight" if len(rows) <= 40 else "normal",
                "pagination": len(rows) > 100,
                "paginationPageSize": 100,
                "suppressColumnVirtualisation": True,
                "ensureDomOrder": True,
                "tooltipShowDelay": 300,
                "theme": {"function": "fmdTheme(themeQuartz, colorSchemeVariable)"},
            },
            csvExportParams={"fileName": f"{name}.csv"},
            style={"height": None if len(rows) <= 40 else "70vh", "width": "100%"},
        )
    tools = dmc.Group(
        [
            dmc.TextInput(
                id={"type": "search", "view": name},
                placeholder="Search",
                size="xs",
                debounce=200,
                **{"aria-label": f"Search in {title}"},
            ),
            dmc.Button(
                "CSV",
                id={"type": "grid-csv", "view": name},
                variant="default",
                size="compact-sm",
                **{"aria-label": f"Download {title} as CSV"},
            ),
        ],
        gap="xs",
    )
    head = dmc.Group(
        [html.H2(title, className="card-title"), tools if rows else None],
        justify="space-between",
    )
    parts = [head, html.P(note, className="card-help") if note else None, body]
    return dmc.Paper(parts, withBorder=True, p="md", radius="md", className="card")


def request_table(
    requests: Sequence[RequestRecord],
    endpoints: Mapping[int, Endpoint],
    context: Context,
    *,
    title: str,
    empty: str,
) -> dmc.Paper:
    """Requests, each with a link to its page."""
    rows = [
        {
            "time": context.time_text(one.time_requested),
            "href": context.href(f"/request/{one.id}"),
            "endpoint": endpoints[one.endpoint_id].name if one.endpoint_id in endpoints else "?",
            "duration": one.duration,
            "duration_text": duration_text(one.duration),
            "status": one.status_code or "",
            "version": one.version,
            "user": one.group_by or "",
            "ip": one.ip,
        }
        for one in requests
    ]
    columns = (
        ("time", f"time ({context.zone.key})", "link"),
        ("endpoint", "endpoint", ""),
        ("duration", "duration (ms)", "duration"),
        ("status", "status", ""),
        ("version", "version", ""),
        ("user", "user", ""),
        ("ip", "address", ""),
    )
    return grid("requests", title, rows, columns, empty=nothing(empty))


def _column(field: str, header: str, kind: str) -> dict[str, Any]:
    column: dict[str, Any] = {"field": field, "headerName": header, "tooltipField": field}
    if kind == "link":
        column |= {"cellRenderer": "FmdLink", "minWidth": 170, "width": 230, "pinned": "left"}
    elif kind == "duration":
        column |= {
            "valueFormatter": {"function": "fmdDuration(params.value)"},
            **_NUMBER,
        }
        column.pop("tooltipField")
    elif kind == "words":
        column |= {"minWidth": 340, "flex": 1, "wrapText": True, "autoHeight": True}
    elif kind == "time":
        column |= {"width": 148, "suppressHeaderFilterButton": True}
    elif kind == "number":
        column |= {
            "valueFormatter": {"function": "fmdCount(params.value)"},
            **_NUMBER,
        }
    return column
