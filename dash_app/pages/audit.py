"""The audit: who did what, when, from where."""

from __future__ import annotations

from typing import Any

from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, Live, LiveTable, Page
from otel_fmd.people.actor import Role
from otel_fmd.people.audit import Entry
from otel_fmd.views.load import Loaded
from otel_fmd.views.people import AUDIT


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """One table."""
    columns = (
        ("time", f"time ({context.zone.key})", "moment"),
        ("actor", "actor", ""),
        ("address", "address", "address"),
        ("action", "action", ""),
        ("target", "target", "name"),
        ("change", "before → after", "words"),
    )
    rows = _rows(loaded[AUDIT], context)
    empty = nothing(AUDIT.empty)
    return [grid("audit", AUDIT.title, rows, columns, note=AUDIT.description, empty=empty)]


def _rows(data: list[Entry], context: Context) -> list[Row]:
    return [
        {
            "id": f"{one.time_us}-{number}",
            "time": context.time_of(one.time_us),
            "actor": one.actor,
            "address": one.address,
            "action": one.action,
            "target": one.target,
            "change": _change(one),
        }
        for number, one in enumerate(reversed(data))
    ][::-1]


def _change(one: Entry) -> str:
    if one.before and one.after:
        return f"{one.before} → {one.after}"
    return f"{one.before} →" if one.before else one.after


def _live(data: list[Entry], context: Context) -> Live:
    return Live(_rows(data, context))


PAGE = Page(
    "/admin/audit",
    "Audit",
    ADMINISTRATION,
    layout=layout,
    role=Role.ADMIN,
    tables={"audit": LiveTable(AUDIT, _live)},
)
