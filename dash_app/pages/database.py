"""Database management: size and rows, pruning now and on schedule."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, html, no_update

from dash_app.components.facts import fact_table
from dash_app.components.frame import framed
from dash_app.components.notes import done, refused
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, MakeContext, Page
from otel_fmd.actions.pruning import PruningSchedule, prune, schedule_of, set_schedule
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.actor import Role
from otel_fmd.views.administration import DATABASE
from otel_fmd.views.load import Loaded

_WEEKS = 10
_CRON = "0 3 * * *"


def layout(loaded: Loaded[Context], _context: Context) -> Any:
    """What the database holds, and a form."""
    data = loaded[DATABASE]
    schedule = data.schedule
    form = framed(
        [
            html.H2("Pruning", className="card-title"),
            html.P(
                "Deletes requests older than the given number of weeks, with their outliers and "
                "profiles. Figures from rollups are kept. It works in small steps, so that storing "
                "new requests hardly waits.",
                className="card-help",
            ),
            dmc.Group(
                [
                    dmc.NumberInput(
                        id="prune-weeks",
                        label="Weeks to keep",
                        value=schedule.weeks_to_keep if schedule else _WEEKS,
                        min=1,
                        allowDecimal=False,
                        w=140,
                    ),
                    dmc.TextInput(
                        id="prune-cron",
                        label="Schedule (cron)",
                        value=schedule.cron if schedule else _CRON,
                        w=160,
                    ),
                    dmc.Checkbox(
                        id="prune-graphs",
                        label="Also delete custom graph data",
                        checked=bool(schedule and schedule.delete_custom_graph_data),
                    ),
                ],
                align="end",
            ),
            dmc.Group(
                [
                    dmc.Button("Prune now", id="prune-now", color="red", variant="outline"),
                    dmc.Button("Set schedule", id="prune-set"),
                    dmc.Button("Remove schedule", id="prune-unset", variant="default"),
                ],
                mt="md",
            ),
            html.Div(_words(schedule), id="prune-note", role="status", className="muted"),
        ]
    )
    return [fact_table(DATABASE.title, data.facts), form]


def _words(schedule: PruningSchedule | None) -> str:
    if schedule is None:
        return "No pruning schedule is set."
    return f"Pruning runs at {schedule.cron!r} and keeps {schedule.weeks_to_keep} weeks."


def register(app: Dash, make: MakeContext) -> None:
    """The three buttons."""

    @app.callback(
        Output("prune-note", "children"),
        Input("prune-now", "n_clicks"),
        Input("prune-set", "n_clicks"),
        Input("prune-unset", "n_clicks"),
        State("prune-weeks", "value"),
        State("prune-cron", "value"),
        State("prune-graphs", "checked"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> Any:
        *clicks, weeks, cron, graphs, path, search = values
        if not any(clicks):
            return no_update
        context = make(path, search)
        actor, store = context.actor, context.reader.store
        try:
            if ctx.triggered_id == "prune-unset":
                set_schedule(actor, store, None)
                return _words(None)
            wanted = schedule_of(str(cron or ""), weeks, bool(graphs))
            if ctx.triggered_id == "prune-now":
                removed = prune(actor, store, wanted.ages)
                words = ", ".join(f"{n:,} {kind}" for kind, n in removed.items()) or "nothing"
                return done(f"Removed {words}.")
            set_schedule(actor, store, wanted)
        except OtelFmdError as error:
            return refused(error)
        return _words(wanted)


PAGE = Page(
    "/admin/database",
    "Database",
    ADMINISTRATION,
    views=(DATABASE,),
    layout=layout,
    role=Role.ADMIN,
    register=register,
)
