"""Database management: size and rows, pruning now and on schedule."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, html, no_update

from dash_app.components.facts import fact_table
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, Page
from otel_fmd.errors import ConfigurationError, OtelFmdError
from otel_fmd.queries.facts import adopted_us, database_facts
from otel_fmd.upkeep.retention import Retention
from otel_fmd.upkeep.schedule import PruningSchedule, load_schedule, save_schedule
from otel_fmd.web.security import is_admin

_WEEKS = 10
_CRON = "0 3 * * *"


def layout(context: Context) -> Any:
    """What the database holds, and a form."""
    store = context.reader.store
    with context.reader.snapshot() as snapshot:
        facts = database_facts(snapshot, store)
        adopted = adopted_us(snapshot)
    rows = [("database", store.display_url)]
    rows.append(("size on disk", f"{facts.size_bytes / 2**20:,.1f} MiB"))
    rows += [(name, f"{number:,}") for name, number in facts.rows.items()]
    rows.append(("first request", context.time_text(facts.first_request)))
    if adopted is not None:
        rows.append(("adopted from FMD", context.time_of(adopted)))
    schedule = load_schedule(store)
    form = dmc.Paper(
        [
            html.H2("Pruning", className="card-title"),
            html.P(
                "Removes requests, with their outliers and profiles, that are older than so many "
                "weeks. Figures from rollups stay. It runs in small steps, so that nothing waits.",
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
                        label="Also data of custom graphs",
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
        ],
        withBorder=True,
        p="md",
        radius="md",
        className="card",
    )
    return [fact_table("Database", rows), form]


def _words(schedule: PruningSchedule | None) -> str:
    if schedule is None:
        return "There is no schedule."
    return f"Pruned at {schedule.cron!r}; {schedule.weeks_to_keep} weeks are kept."


def register(app: Dash, make: Any) -> None:
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
        if not is_admin():
            return dmc.Alert("Only an admin can prune.", color="red", mt="md")
        store = make(path, search).reader.store
        try:
            if not isinstance(weeks, int) or weeks < 1:
                raise ConfigurationError(f"weeks to keep {weeks!r}: expected a whole number from 1")
            wanted = PruningSchedule(cron or "", weeks, bool(graphs))
            if ctx.triggered_id == "prune-now":
                removed = Retention(store).prune(wanted.ages)
                words = ", ".join(f"{n:,} {kind}" for kind, n in removed.items()) or "nothing"
                return dmc.Alert(f"Removed {words}.", color="green", mt="md")
            schedule = wanted if ctx.triggered_id == "prune-set" else None
            save_schedule(store, schedule)
        except OtelFmdError as error:
            return dmc.Alert(str(error), color="red", mt="md")
        return _words(schedule)


PAGE = Page("/admin/database", "Database", ADMINISTRATION, (), layout, admin_only=True)
