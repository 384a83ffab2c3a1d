"""Per-user performance of one endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, clicked_key
from dash_app.context import Context
from dash_app.figures.boxes import duration_boxes
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from otel_fmd.analysis.callers import OTHERS
from otel_fmd.analysis.distribution import NamedDistribution
from otel_fmd.views.durations import ENDPOINT_USER_DURATIONS


def figure(data: list[NamedDistribution], style: Style) -> go.Figure:
    """Horizontal boxes."""
    return duration_boxes(data, style, "user, most requests first")


def open_user(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a user."""
    key = clicked_key(point)
    if not key or key == f"={OTHERS}":
        return None
    return context.href("/requests", endpoint=str(context.endpoint_id), user=key[1:])


CHART = Chart(ENDPOINT_USER_DURATIONS, figure, open_user)
PAGE = Page("/endpoint/<endpoint>/user-performance", "Per-user performance", ENDPOINT, (CHART,))
