"""A table of log records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from otel_fmd.analysis.text import visible
from otel_fmd.queries.logs import LogEntry
from otel_fmd.signals.log_record import severity_name

LOGS_PATH = "/logs"
_SHOWN = 2_000


def log_rows(found: Iterable[LogEntry], context: Context) -> list[Row]:
    """Records as rows; the time leads to all records of the trace on that day."""
    return [
        {
            "id": str(one.id),
            "time": f"{context.time_of(one.time_us)}.{one.time_us // 1000 % 1000:03d}",
            "href": _trace_href(one, context),
            "severity": severity_name(one.severity),
            "text": visible(one.body)[:_SHOWN] or visible(one.event),
            "logger": visible(one.logger),
            "service": visible(one.service),
            "attributes": visible(json.dumps(one.attributes, ensure_ascii=False))[:_SHOWN]
            if one.attributes
            else "",
        }
        for one in found
    ]


def _trace_href(one: LogEntry, context: Context) -> str:
    if not one.trace_id:
        return ""
    day = context.day_of(one.time_us).isoformat()
    return context.href(LOGS_PATH, trace=one.trace_id, range=None, **{"from": day, "to": day})


def log_table(
    rows: Sequence[Row], context: Context, *, title: str, empty: str, note: str = ""
) -> Any:
    """The table."""
    columns = (
        ("time", f"time ({context.zone.key})", "precise-link"),
        ("severity", "severity", ""),
        ("text", "text", "words"),
        ("logger", "logger", "name"),
        ("service", "service", ""),
        ("attributes", "attributes", "url"),
    )
    return grid("logs", title, rows, columns, empty=nothing(empty), note=note)
