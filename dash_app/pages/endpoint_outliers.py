"""Outliers of one endpoint: a table, and the whole record of each."""

from __future__ import annotations

from typing import Any

from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.figures.style import duration_text
from dash_app.page import ENDPOINT, Page
from dash_app.view import nothing
from otel_fmd.database.queries.outliers import outlier_count, outliers

_MOST = 200
_EMPTY = (
    "A request is an outlier when it takes 2.5 times as long as the endpoint's mean, once 30 "
    "requests are known. The endpoint's monitor level must be 2 or 3."
)


def layout(context: Context) -> Any:
    """The newest outliers."""
    with context.reader.snapshot() as snapshot:
        total = outlier_count(snapshot, context.endpoint_id)
        found = outliers(snapshot, context.endpoint_id, limit=_MOST)
    rows = [
        {
            "time": context.time_text(one.request.time_requested),
            "duration": one.request.duration,
            "duration_text": duration_text(one.request.duration),
            "version": one.request.version,
            "user": one.request.group_by or "",
            "ip": one.request.ip,
            "status": one.request.status_code or "",
            "url": one.url,
            "href": context.href(f"/request/{one.request.id}"),
        }
        for one in found
    ]
    return grid(
        "outliers",
        "Outliers, newest first",
        rows,
        (
            ("time", f"time ({context.zone.key})", "link"),
            ("duration", "duration (ms)", "duration"),
            ("version", "version", ""),
            ("user", "user", ""),
            ("ip", "address", ""),
            ("status", "status", ""),
            ("url", "URL", ""),
        ),
        note=f"{total:,} in all, the newest {len(found):,} shown. Click a time for all of it.",
        empty=nothing(_EMPTY),
    )


PAGE = Page("/endpoint/<endpoint>/outliers", "Outliers", ENDPOINT, (), layout)
