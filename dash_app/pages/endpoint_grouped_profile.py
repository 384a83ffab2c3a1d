"""Grouped profiler: the profiles of many requests merged into one."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.chart import Chart, card
from dash_app.components.states import nothing
from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.figures.icicle import Block, icicle, sunburst
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from otel_fmd.queries.profiles import GroupedProfile
from otel_fmd.views.load import Loaded
from otel_fmd.views.profiles import GROUPED_PROFILE


def blocks(data: GroupedProfile) -> list[Block]:
    """The lines as areas; a parent is at least as large as what is in it."""
    return [
        Block(
            line.path,
            line.code,
            f"{line.filename}:{line.line_number}",
            line.total_ms,
            line.total_cpu_ms,
            line.hits,
        )
        for line in data.lines
    ]


def figure_icicle(data: GroupedProfile, style: Style) -> go.Figure:
    """From the top down."""
    return icicle(blocks(data), style)


def figure_sunburst(data: GroupedProfile, style: Style) -> go.Figure:
    """From the middle outward."""
    return sunburst(blocks(data), style)


ICICLE = Chart(GROUPED_PROFILE, figure_icicle, name="profile-icicle")
SUNBURST = Chart(
    GROUPED_PROFILE,
    figure_sunburst,
    name="profile-sunburst",
    title="Sunburst",
    description="The same profile as rings: the endpoint in the middle, what it calls around it.",
)


def layout(loaded: Loaded[Context], _context: Context) -> list[Any]:
    """The flame graph, the table, the rings."""
    data = loaded[GROUPED_PROFILE]
    if data is None:
        return [nothing(GROUPED_PROFILE.empty)]
    rows = [
        {
            "code": "\u2003" * line.indent + line.code,
            "hits": line.hits,
            "mean": line.mean_ms,
            "deviation": line.deviation_ms,
            "total": line.total_ms,
            "cpu": line.total_cpu_ms,
            "place": f"{line.filename}:{line.line_number}",
        }
        for line in data.lines
    ]
    columns = (
        ("code", "code", "words"),
        ("hits", "hits", "number"),
        ("mean", "mean (ms)", "duration"),
        ("deviation", "standard deviation (ms)", "duration"),
        ("total", "total (ms)", "duration"),
        ("cpu", "CPU (ms)", "duration"),
        ("place", "source", ""),
    )
    note = f"The newest {data.profiled:,} of {data.all_profiled:,} profiled requests, merged."
    merged = grid("profile-lines", "Lines", rows, columns, note=note)
    return [card(ICICLE, loaded), merged, card(SUNBURST, loaded)]


PAGE = Page(
    "/endpoint/<endpoint>/grouped-profiler",
    "Grouped profiler",
    ENDPOINT,
    (ICICLE, SUNBURST),
    layout=layout,
)
