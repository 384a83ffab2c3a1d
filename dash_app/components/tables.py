"""Tables, the same everywhere: sortable, searchable, with selectable columns and CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import html

from dash_app.components.frame import framed
from dash_app.components.states import nothing
from dash_app.context import Context
from otel_fmd.analysis.text import duration_text
from otel_fmd.views.requests import NamedRequest

Row = dict[str, Any]
Column = tuple[str, str, str]
"""Field, header, and how it is shown: '' text, `short`, `name`, `words`, `url`, `link`,
`wide-link`, `moment-link`, `precise-link`, `time`, `moment`, `address`, `duration`, `number`,
`percent`, `change`."""

_NUMBER = {
    "type": "rightAligned",
    "filter": "agNumberColumnFilter",
    "suppressHeaderFilterButton": True,
    "width": 88,
}
_FORMATS = {
    "duration": "fmdDuration(params.value)",
    "number": "fmdCount(params.value)",
    "percent": "fmdPercent(params.value)",
    "change": "fmdChange(params.value)",
}
_FEW_ROWS = 40
_SHORT_WORD = 7
"""Letters of a word that fits above a narrow column of numbers."""
_WIDE = 9


def grid(
    name: str,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    note: str = "",
    empty: Any = None,
    extra: Sequence[Mapping[str, Any]] = (),
    after_first: Mapping[str, Any] | None = None,
    hidden: Sequence[str] = (),
    above: Any = None,
) -> html.Div:
    """A card with a table; `empty` is shown instead when there are no rows.

    Args:
        name: unique; part of element ids and of the CSV's name.
        title: what it holds.
        rows: their values by field; `id` identifies a row, `href` is where a `link` leads.
        columns: see `Column`.
        note: a sentence below the title.
        empty: the empty state.
        extra: further column definitions of AG Grid.
        after_first: one more, placed after the first column.
        hidden: fields of columns that are not shown at first.
        above: content above the card, refreshed with the rows while the page is live.
    """
    definitions = [*(_column(*column) for column in columns), *map(dict, extra)]
    if after_first is not None:
        definitions.insert(1, dict(after_first))
    for one in definitions:
        one["hide"] = one["field"] in hidden
    if not rows and empty is not None:
        body: Any = empty
    else:
        body = _table(name, rows, definitions)
    head = dmc.Group(
        [
            html.H2(title, className="card-title"),
            _tools(name, title, definitions) if rows else None,
        ],
        justify="space-between",
    )
    parts = [head, html.P(note, className="card-help") if note else None, body]
    card = framed(parts)
    return html.Div([html.Div(above, id={"type": "above", "view": name}), card])


def _table(
    name: str, rows: Sequence[Mapping[str, Any]], definitions: Sequence[Mapping[str, Any]]
) -> dag.AgGrid:
    few = len(rows) <= _FEW_ROWS
    return dag.AgGrid(
        id={"type": "grid", "view": name},
        rowData=list(rows),
        columnDefs=list(definitions),
        defaultColDef={
            "sortable": True,
            "filter": True,
            "resizable": True,
            "minWidth": 80,
            "width": 120,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        columnSize="responsiveSizeToFit" if len(definitions) < _WIDE else None,
        # A refresh of the rows keeps scroll, selection and open editors by the rows' ids.
        getRowId="params.data.id" if rows and "id" in rows[0] else None,
        dashGridOptions={
            "domLayout": "autoHeight" if few else "normal",
            "pagination": len(rows) > 100,
            "paginationPageSize": 100,
            "rowBuffer": 4,
            "ensureDomOrder": True,
            "tooltipShowDelay": 300,
            "theme": {"function": "fmdTheme(themeQuartz, colorSchemeVariable)"},
        },
        csvExportParams={
            "fileName": f"{name}.csv",
            "processCellCallback": {"function": "fmdCell(params.value)"},
        },
        style={"height": None if few else "70vh", "width": "100%"},
    )


def _tools(name: str, title: str, definitions: Sequence[Mapping[str, Any]]) -> dmc.Group:
    fields = [(one["field"], one.get("headerName", one["field"])) for one in definitions]
    chosen = [one["field"] for one in definitions if not one["hide"]]
    columns = html.Details(
        [
            html.Summary("Columns", **{"aria-label": f"Choose the columns of {title}"}),
            dmc.Paper(
                dmc.CheckboxGroup(
                    id={"type": "columns", "view": name},
                    value=chosen,
                    children=dmc.Stack(
                        [
                            dmc.Checkbox(label=text, value=field, size="xs")
                            for field, text in fields
                        ],
                        gap=6,
                    ),
                ),
                className="columns-choice",
                withBorder=True,
                shadow="md",
                p="sm",
            ),
        ],
        className="columns",
    )
    search = dmc.TextInput(
        id={"type": "search", "view": name},
        placeholder="Search",
        size="xs",
        debounce=200,
        **{"aria-label": f"Search in {title}"},
    )
    download = dmc.Button(
        "CSV",
        id={"type": "grid-csv", "view": name},
        variant="default",
        size="compact-sm",
        **{"aria-label": f"Download {title} as CSV"},
    )
    return dmc.Group([search, columns, download], gap="xs")


def request_rows(requests: Iterable[NamedRequest], context: Context) -> list[Row]:
    """Requests as rows of `request_table`."""
    return [
        {
            "id": str(one.id),
            "time": context.time_text(one.time_requested),
            "href": context.href(f"/request/{one.id}"),
            "endpoint": endpoint,
            "duration": one.duration,
            "duration_text": duration_text(one.duration),
            "status": one.status_code or "",
            "version": one.version,
            "user": one.group_by or "",
            "ip": one.ip,
        }
        for one, endpoint in requests
    ]


def request_table(rows: Sequence[Row], context: Context, *, title: str, empty: str) -> html.Div:
    """Requests, each with a link to its page."""
    columns = (
        ("time", f"time ({context.zone.key})", "moment-link"),
        ("endpoint", "endpoint", "name"),
        ("duration", "duration (ms)", "duration"),
        ("status", "status", ""),
        ("version", "version", ""),
        ("user", "user", ""),
        ("ip", "address", "address"),
    )
    return grid("requests", title, rows, columns, empty=nothing(empty))


_KINDS: Mapping[str, Mapping[str, Any]] = {
    "": {"minWidth": 118},
    "name": {"minWidth": 150, "width": 300},
    "moment-link": {"cellRenderer": "FmdLink", "minWidth": 190, "width": 196, "pinned": "left"},
    "precise-link": {"cellRenderer": "FmdLink", "minWidth": 226, "width": 226},
    "wide-link": {"cellRenderer": "FmdLink", "minWidth": 220, "width": 320},
    "link": {"cellRenderer": "FmdLink", "minWidth": 150, "width": 190, "pinned": "left"},
    "words": {
        "minWidth": 340,
        "flex": 1,
        "wrapText": True,
        "autoHeight": True,
        "cellClass": "cell-words",
    },
    "short": {"width": 104, "suppressHeaderFilterButton": True},
    "address": {"width": 150, "minWidth": 110},
    "url": {"minWidth": 220, "flex": 2},
    "time": {"width": 148, "minWidth": 148, "suppressHeaderFilterButton": True},
    "moment": {"width": 196, "minWidth": 196, "suppressHeaderFilterButton": True},
}
"""What the kinds of columns that hold text add to AG Grid's definition of one."""


def _column(field: str, header: str, kind: str) -> Row:
    column: Row = {"field": field, "headerName": header, "tooltipField": field}
    column |= _KINDS.get(kind, {})
    if kind in _FORMATS:
        column |= {"valueFormatter": {"function": _FORMATS[kind]}, **_NUMBER}
        if max(map(len, header.split())) > _SHORT_WORD:
            column["width"] = column["minWidth"] = 104
        column.pop("tooltipField")
    if kind == "change":
        column["width"] = 98
        column["cellClassRules"] = {
            "cell-worse": "params.value > 0.1",
            "cell-better": "params.value < -0.1",
        }
    return column
