"""Per-version performance of one endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, clicked_key
from dash_app.context import Context
from dash_app.figures.boxes import duration_boxes
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from otel_fmd.analysis.distribution import NamedDistribution
from otel_fmd.views.durations import ENDPOINT_VERSIONS


def figure(data: list[NamedDistribution], style: Style) -> go.Figure:
    """Horizontal boxes."""
    return duration_boxes(data, style, "version, newest first")


def open_version(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a version."""
    key = clicked_key(point)
    endpoint = str(context.endpoint_id)
    return context.href("/requests", endpoint=endpoint, version=key) if key else None


CHART = Chart(ENDPOINT_VERSIONS, figure, open_version)
PAGE = Page("/endpoint/<endpoint>/versions", "Per-version performance", ENDPOINT, (CHART,))
