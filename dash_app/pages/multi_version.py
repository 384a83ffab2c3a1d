"""Multi-version API utilization: how each version's requests divide over the endpoints."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, style_of
from dash_app.context import Context
from dash_app.figures.heatmap import share_labels, version_share
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from otel_fmd.views.utilization import MULTI_VERSION, Shares


def figure(data: Shares, style: Style) -> go.Figure:
    """A heat map in percent."""
    names = [version.name for version in data.share.versions]
    return version_share(data.endpoints, names, data.share.percent, data.share.hits, style)


def open_cell(point: dict[str, Any], context: Context) -> str | None:
    """The requests of an endpoint in a version; a click on a heat map carries its labels only."""
    data = context.load([MULTI_VERSION])[MULTI_VERSION]
    if data is None:
        return None
    versions = [version.name for version in data.share.versions]
    rows, columns = share_labels(data.endpoints, versions, style_of(context))
    if point["y"] not in rows or point["x"] not in columns:
        return None
    endpoint = data.share.endpoint_ids[rows.index(point["y"])]
    version = versions[columns.index(point["x"])]
    return context.href("/requests", endpoint=str(endpoint), version=version)


CHART = Chart(MULTI_VERSION, figure, open_cell)
PAGE = Page("/versions", "Multi-version utilization", APPLICATION, (CHART,))
