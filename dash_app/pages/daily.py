"""Daily API utilization: requests per day, stacked by endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, clicked_key
from dash_app.context import Context
from dash_app.figures.bars import daily_load
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from otel_fmd.analysis.calendar import days_of_label
from otel_fmd.views.utilization import DAILY, Daily


def figure(data: Daily, style: Style) -> go.Figure:
    """Stacked bars."""
    return daily_load(data.load.columns, data.named, style, data.ids)


def open_day(point: dict[str, Any], context: Context) -> str | None:
    """The requests of an endpoint on a day; a longer period first opens its days."""
    (first, last), endpoint = days_of_label(str(point["x"])), clicked_key(point)
    changes: dict[str, str | None] = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "range": None,
    }
    if first != last:
        return context.href("/daily", **changes)
    if endpoint:
        changes["endpoint"] = endpoint
    return context.href("/requests", **changes)


CHART = Chart(DAILY, figure, open_day, over_days=True)
PAGE = Page("/daily", "Daily utilization", APPLICATION, (CHART,))
