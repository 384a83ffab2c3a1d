"""User-focused multi-version performance of one endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart
from dash_app.context import Context
from dash_app.figures.bubbles import callers_by_version
from dash_app.figures.style import Style, noted
from dash_app.page import ENDPOINT, Page
from otel_fmd.analysis.callers import OTHERS
from otel_fmd.views.callers import ENDPOINT_USERS, Callers


def figure(data: Callers, style: Style) -> go.Figure:
    """A bubble per caller and version."""
    drawn = callers_by_version(data.found, data.callers, data.versions, style, data.what)
    return noted(drawn, data.note, style)


def open_bubble(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a user, or from an address, in a version."""
    caller, version, what = point["customdata"]
    if caller == OTHERS:
        return None
    name = "user" if what == "user" else "ip"
    found = {name: caller, "version": version}
    return context.href("/requests", endpoint=str(context.endpoint_id), **found)


CHART = Chart(ENDPOINT_USERS, figure, open_bubble)
PAGE = Page("/endpoint/<endpoint>/users", "User-focused", ENDPOINT, (CHART,))
