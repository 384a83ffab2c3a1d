"""Configuration: details of this deploy, its process counters, and every setting in force."""

from __future__ import annotations

from typing import Any

from dash import html

from dash_app.components.facts import fact_table
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, Live, LiveTable, Page
from otel_fmd.views.administration import DEPLOY, REFUSED, SETTINGS, Setting
from otel_fmd.views.load import Loaded
from otel_fmd.views.look import Refusal
from otel_fmd.web.api.reference import REFERENCE

_REFUSED_COLUMNS = (
    ("address", "sender", ""),
    ("what", "requested", ""),
    ("reason", "response", ""),
    ("times", "times", "number"),
    ("last", "last", ""),
)
_SETTINGS_COLUMNS = (
    ("name", "setting", ""),
    ("value", "value", ""),
    ("source", "from", ""),
    ("help", "description", "words"),
)


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """Deploy details, counters, and for admins the settings."""
    deploy = loaded[DEPLOY]
    facts = [fact_table(DEPLOY.title, deploy.facts)]
    if deploy.counters:
        facts.append(fact_table("This process", deploy.counters))
    reference = html.A("REST API: reference", href=f"{context.prefix}{REFERENCE}", target="_blank")
    parts: list[Any] = [html.Div([*facts, html.P(reference)])]
    if REFUSED in loaded:
        rows = _refused(loaded[REFUSED], context)
        note = REFUSED.description
        parts.append(grid("refused", REFUSED.title, rows, _REFUSED_COLUMNS, note=note))
    if SETTINGS in loaded:
        rows, note = _settings(loaded[SETTINGS]), SETTINGS.description
        parts.append(grid("settings", SETTINGS.title, rows, _SETTINGS_COLUMNS, note=note))
    return parts


def live_refused(data: list[Refusal], context: Context) -> Live:
    """The senders refused so far."""
    return Live(_refused(data, context))


def _refused(found: list[Refusal], context: Context) -> list[Row]:
    return [
        {
            "id": f"{one.address} {one.transport} {one.path} {one.reason}",
            "address": one.address,
            "what": f"{one.path} ({one.transport})",
            "reason": one.reason,
            "times": one.times,
            "last": context.time_of(one.last_us),
        }
        for one in found
    ]


def _settings(found: list[Setting]) -> list[Row]:
    return [
        {
            "id": one.name,
            "name": one.variable,
            "value": one.value,
            "source": one.source,
            "help": one.help,
        }
        for one in found
    ]


PAGE = Page(
    "/admin/configuration",
    "Configuration",
    ADMINISTRATION,
    views=(DEPLOY, SETTINGS),
    layout=layout,
    tables={"refused": LiveTable(REFUSED, live_refused)},
)
