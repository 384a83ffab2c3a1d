"""Status: what this process received, stored and did not keep, and what the database holds."""

from __future__ import annotations

from typing import Any

from dash_app.components.facts import fact_table
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, Page
from otel_fmd._version import __version__
from otel_fmd.database.queries.facts import database_facts

_WORDS = {
    "stored": "requests stored since this process started",
    "duplicates": "requests sent again by a client, stored once",
    "outliers": "outliers among them",
    "seen_only": "requests at monitor level 0, not stored",
    "not_kept": "child spans, accepted and not kept",
    "clock_errors": "spans that ended before they began, stored with a duration of 0",
    "refused": "requests refused because too many waited",
    "failed": "requests whose client was told that they were not stored",
    "dropped": "requests dropped",
    "folded": "deltas folded into the rollups",
}


def layout(context: Context) -> Any:
    """Two tables."""
    with context.reader.snapshot() as snapshot:
        facts = database_facts(snapshot, context.reader.store)
    counts = [(f"{n:,}", _WORDS.get(name, name)) for name, n in context.counters().items()]
    held = [
        ("otel-fmd", __version__),
        ("database", context.reader.store.display_url),
        ("time zone", context.zone.key),
        ("first request", context.time_text(facts.first_request)),
        *((name, f"{number:,}") for name, number in facts.rows.items()),
    ]
    if facts.size_bytes is not None:
        held.append(("size on disk", f"{facts.size_bytes / 2**20:,.1f} MiB"))
    return [
        fact_table("Deploy details", held),
        fact_table("This process", [(words, number) for number, words in counts]),
    ]


PAGE = Page("/admin/status", "Status", ADMINISTRATION, (), layout)
