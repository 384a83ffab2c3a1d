"""Hourly API utilization: requests by hour of the day and day."""

from __future__ import annotations

from typing import Any

from dash_app.chart import Chart
from dash_app.context import Context
from dash_app.figures.heatmap import hourly_load
from dash_app.page import APPLICATION, Page
from otel_fmd.analysis.calendar import days_of_label
from otel_fmd.views.utilization import HOURLY


def open_hour(point: dict[str, Any], context: Context) -> str | None:
    """The requests behind a cell; a period longer than a day first opens its days."""
    (first, last), hour = days_of_label(str(point["x"])), int(point["y"])
    changes: dict[str, str | None] = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "range": None,
    }
    if first != last:
        return context.href(context.path, **changes)
    changes["hour"] = str(hour)
    if context.is_of_endpoint:
        changes["endpoint"] = str(context.endpoint_id)
    return context.href("/requests", **changes)


CHART = Chart(HOURLY, hourly_load, open_hour, over_days=True)
PAGE = Page("/hourly", "Hourly utilization", APPLICATION, (CHART,))
