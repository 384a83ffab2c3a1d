"""Configuration: what this deploy is, what its process did, and every setting that holds."""

from __future__ import annotations

from typing import Any

from dash import html

from dash_app.components.facts import fact_table
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, Live, Page
from otel_fmd import config
from otel_fmd._version import __version__
from otel_fmd.errors import OtelFmdError
from otel_fmd.queries.dropped import dropped
from otel_fmd.queries.facts import database_facts

_WORDS = {
    "stored": "requests stored since this process started",
    "duplicates": "requests sent again by a client, stored once",
    "outliers": "outliers among them",
    "seen_only": "requests at monitor level 0, not stored",
    "other_endpoints": "requests of endpoints above the limits, stored as (other endpoints) or "
    "(other paths)",
    "not_kept": "child spans, accepted and not kept",
    "metrics_not_kept": "exports of metrics, taken and forgotten",
    "logs_not_kept": "exports of logs, taken and forgotten",
    "clock_errors": "spans that ended before they began, stored with a duration of 0",
    "refused": "requests refused because too many waited",
    "failed": "requests whose client was told that they were not stored",
    "dropped": "requests dropped",
    "folded": "deltas folded into the rollups",
}


def layout(context: Context) -> Any:
    """Deploy details, counters, and for admins the settings."""
    parts: list[Any] = [html.Div(_facts(context))]
    if context.is_admin:
        note = "By the receiver of this process, since it started; the last fifty senders."
        columns = (
            ("address", "sender", ""),
            ("what", "asked for", ""),
            ("reason", "answered", ""),
            ("times", "times", "number"),
            ("last", "last", ""),
        )
        parts.append(grid("refused", "Refused requests", _refused(context), columns, note=note))
        columns = (
            ("name", "setting", ""),
            ("value", "value", ""),
            ("source", "from", ""),
            ("help", "what it is", "words"),
        )
        note = "In this order an argument wins over the environment, that over FMD's config.cfg."
        parts.append(grid("settings", "Settings", _settings(context), columns, note=note))
    return parts


def live(context: Context) -> Live:
    """The settings stay; what is above them changes."""
    return Live(_settings(context), None)


def live_refused(context: Context) -> Live:
    """Who was refused until now."""
    return Live(_refused(context), None)


def _refused(context: Context) -> list[Row]:
    return [
        {
            "id": f"{one.address} {one.transport} {one.path} {one.reason}",
            "address": one.address,
            "what": f"{one.path} ({one.transport})",
            "reason": one.reason,
            "times": one.times,
            "last": context.time_of(one.last_us),
        }
        for one in context.refusals()
    ]


def _facts(context: Context) -> list[Any]:
    with context.reader.snapshot() as snapshot:
        facts = database_facts(snapshot, context.reader.store)
        lost = dropped(snapshot)
    held = [
        ("otel-fmd", __version__),
        ("database", context.reader.store.display_url),
        ("time zone", context.zone.key),
        ("first request", context.time_text(facts.first_request)),
        *((name, f"{number:,}") for name, number in facts.rows.items()),
    ]
    held.append(("size on disk", f"{facts.size_bytes / 2**20:,.1f} MiB"))
    when = f" (last {context.time_of(lost.last_us)})" if lost.requests else ""
    held.append(("requests dropped by monitored apps", f"{lost.requests:,}{when}"))
    counts = [(_WORDS.get(name, name), f"{n:,}") for name, n in context.counters().items()]
    found = [fact_table("Deploy details", held)]
    if counts:
        found.append(fact_table("This process", counts))
    return found


def _settings(context: Context) -> list[Row]:
    try:
        sources = config.sources(config_file=context.settings.config_file or None)
    except OtelFmdError:
        sources = {}
    rows = []
    for name, variable, default, description in config.describe():
        value = config.shown_setting(name, getattr(context.settings, name))
        source = "default" if value == default else "argument"
        if name in sources:
            source = sources[name].where
        rows.append(
            {
                "id": name,
                "name": variable,
                "value": value,
                "source": source,
                "help": description.replace("`", ""),
            }
        )
    return rows


PAGE = Page(
    "/admin/configuration",
    "Configuration",
    ADMINISTRATION,
    (),
    layout,
    live={"settings": live, "refused": live_refused},
)
