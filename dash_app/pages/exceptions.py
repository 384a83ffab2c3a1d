"""Exceptions of all endpoints, grouped by the place that raised them."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import APPLICATION, Live, LiveTable, Page
from otel_fmd.queries.exception_groups import Status
from otel_fmd.views.exceptions import (
    ALL,
    EXCEPTION_GROUPS,
    OPEN,
    STATE,
    Figures,
    GroupList,
)
from otel_fmd.views.load import Loaded
from otel_fmd.views.view import View

_COLUMNS = (
    ("exception", "exception", "link"),
    ("occurrences", "count", "number"),
    ("users", "users", "number"),
    ("state", "state", ""),
    ("message", "message", "name"),
    ("culprit", "where", "name"),
    ("versions", "versions", ""),
    ("last", "last seen", "time"),
    ("first", "first seen", "time"),
    ("service", "service", "short"),
    ("assignee", "assigned to", "short"),
)
_CHOICES = (
    (OPEN, "Open"),
    (Status.REGRESSED.value, "Regressed"),
    (Status.RESOLVED.value, "Resolved"),
    (Status.IGNORED.value, "Ignored"),
    (ALL, "All"),
)


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The groups, the most frequent first."""
    return group_table(EXCEPTION_GROUPS, loaded, context)


def group_table(view: View[GroupList], loaded: Loaded[Context], context: Context) -> Any:
    """A table of groups, and the choice of their state."""
    rows = rows_of(loaded[view], context)
    spark = {
        "field": "spark",
        "headerName": "in this time",
        "cellRenderer": "FmdSparkline",
        "cellDataType": False,
        "sortable": False,
        "filter": False,
        "width": 140,
    }
    services = {row["service"] for row in rows}
    assigned = any(row["assignee"] for row in rows)
    return grid(
        view.name,
        view.title,
        rows,
        _COLUMNS,
        note=view.description,
        empty=nothing(view.empty if context.value(STATE) == OPEN else "No exceptions like this."),
        after_first=spark,
        hidden=(*(("service",) if len(services) < 2 else ()), *(() if assigned else ("assignee",))),
        above=_above(loaded[view], context),
    )


def live(data: GroupList, context: Context) -> Live:
    """The groups, refreshed."""
    return Live(rows_of(data, context), _above(data, context))


def rows_of(data: GroupList, context: Context) -> list[Row]:
    """One row per group."""
    return [_row(one, context) for one in data.found]


def _row(one: Figures, context: Context) -> Row:
    group = one.group
    state = OPEN if one.status is Status.UNRESOLVED else one.status.value
    return {
        "id": str(group.id),
        "exception": group.type,
        "href": context.href(f"/exception/{group.id}"),
        "message": group.message,
        "culprit": group.culprit,
        "state": f"{state}, new" if one.is_new else state,
        "spark": list(map(float, one.parts)),
        "occurrences": one.occurrences,
        "users": one.users,
        "versions": ", ".join(one.versions),
        "first": context.time_of(one.total.first_us),
        "last": context.time_of(one.total.last_us),
        "service": one.service,
        "assignee": group.assignee or "",
    }


def _above(data: GroupList, context: Context) -> Any:
    links = [
        dcc.Link(
            label,
            href=context.href(context.path, state=value),
            className="preset" + (" preset-active" if context.value(STATE) == value else ""),
        )
        for value, label in _CHOICES
    ]
    left_out = (
        html.Span(f"{data.left_out:,} more with fewer occurrences are not shown", className="muted")
        if data.left_out
        else None
    )
    return dmc.Group([*links, left_out], className="card", gap="xs")


PAGE = Page(
    "/exceptions",
    "Exceptions",
    APPLICATION,
    layout=layout,
    tables={EXCEPTION_GROUPS.name: LiveTable(EXCEPTION_GROUPS, live)},
)
