"""Runtime: what each process uses, beside the requests that it answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, card
from dash_app.components.frame import framed
from dash_app.components.states import nothing
from dash_app.context import Context
from dash_app.figures.lines import TimeLine, lines_over_time
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from otel_fmd.queries.runtime import PANELS
from otel_fmd.views.load import Loaded
from otel_fmd.views.metrics import MINUTE_US, step_start_us
from otel_fmd.views.runtime import RUNTIME, Runtime

_HEIGHT = 300


def requests_figure(data: Runtime, style: Style) -> go.Figure:
    """Requests a minute, a point for each hour."""
    starts = [start for start, _ in data.requests]
    line = TimeLine("requests", [rate for _, rate in data.requests])
    return lines_over_time(
        starts, [line], "requests", "per minute", style, height=_HEIGHT, span_us=_span(data)
    )


def _span(data: Runtime) -> tuple[int, int]:
    """The selected time, which all charts show."""
    return step_start_us(data.minutes, 0), data.minutes.end * MINUTE_US


def figure_of(name: str) -> Callable[[Runtime, Style], go.Figure]:
    """Draws a panel."""

    def figure(data: Runtime, style: Style) -> go.Figure:
        panel = data.panel(name)
        if panel is None:
            return go.Figure(layout={"template": {}})
        starts = [step_start_us(data.minutes, step) for step in range(data.minutes.steps)]
        services = {line.service for line in panel.lines}
        lines: dict[str, TimeLine] = {}
        for line in panel.lines:
            # Of one service its processes differ, of several first the services do.
            label = line.worker if len(services) == 1 and line.worker else line.service
            if len(services) > 1 and line.worker:
                label = f"{line.service} {line.worker}"
            lines.setdefault(label, TimeLine(label, line.values))
        return lines_over_time(
            starts,
            list(lines.values()),
            panel.title,
            panel.unit,
            style,
            height=_HEIGHT,
            span_us=_span(data),
        )

    return figure


REQUESTS = Chart(
    RUNTIME,
    requests_figure,
    name="runtime-requests",
    title="Requests a minute",
    description="Of the selected service and version, the mean of each hour.",
)
CHARTS = {
    one.name: Chart(
        RUNTIME,
        figure_of(one.name),
        name=f"runtime-{one.name}",
        title=one.title,
        description="A line for each process that reports it.",
    )
    for one in PANELS
}


def layout(loaded: Loaded[Context], _context: Context) -> list[Any]:
    """Requests, and the panels that have something to show."""
    data = loaded[RUNTIME]
    panels = [card(CHARTS[one.name], loaded) for one in data.panels]
    return [card(REQUESTS, loaded), *(panels or [framed(nothing(RUNTIME.empty))])]


PAGE = Page(
    "/runtime",
    "Runtime",
    APPLICATION,
    (REQUESTS, *CHARTS.values()),
    layout=layout,
)
