"""API performance: durations per endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, clicked_key
from dash_app.context import Context
from dash_app.figures.boxes import duration_boxes
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from otel_fmd.analysis.distribution import NamedDistribution
from otel_fmd.views.durations import API_PERFORMANCE


def figure(data: list[NamedDistribution], style: Style) -> go.Figure:
    """Horizontal boxes."""
    return duration_boxes(data, style, "endpoint")


def open_endpoint(point: dict[str, Any], context: Context) -> str | None:
    """The requests behind a box."""
    key = clicked_key(point)
    return context.href("/requests", endpoint=key) if key else None


CHART = Chart(API_PERFORMANCE, figure, open_endpoint)
PAGE = Page("/performance", "API performance", APPLICATION, (CHART,))
