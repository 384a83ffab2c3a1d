"""Grouped profiler: the profiles of many requests merged into one."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.figures.icicle import Block, icicle, sunburst
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from dash_app.pages.endpoint_profiles import EMPTY
from dash_app.view import Table, View, card, nothing
from otel_fmd.queries.profiles import GroupedProfile, grouped_profile
from otel_fmd.queries.snapshot import Snapshot


def load(snapshot: Snapshot, context: Context) -> GroupedProfile | None:
    """The merged tree."""
    found = grouped_profile(snapshot, context.endpoint_id, context.selection(snapshot))
    return found if found.lines else None


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


def table(data: GroupedProfile, _context: Context) -> Table:
    """One row per line, in the order of the tree."""
    header = (
        "code",
        "file",
        "line",
        "indent",
        "hits",
        "mean_ms",
        "deviation_ms",
        "total_ms",
        "cpu_ms",
    )
    rows = [
        (
            line.code,
            line.filename,
            line.line_number,
            line.indent,
            line.hits,
            round(line.mean_ms, 6),
            round(line.deviation_ms, 6),
            round(line.total_ms, 6),
            round(line.total_cpu_ms, 6),
        )
        for line in data.lines
    ]
    return header, rows


ICICLE = View(
    name="profile-icicle",
    title="Where the time goes",
    description="Each bar is a line of your code, below it what it calls; the widest bars take the "
    "most time. Yellow computes, blue waits. Click a bar to zoom in.",
    load=load,
    figure=figure_icicle,
    table=table,
    empty=EMPTY,
)
SUNBURST = View(
    name="profile-sunburst",
    title="The same as rings",
    description="The endpoint in the middle, what it calls around it.",
    load=load,
    figure=figure_sunburst,
    table=table,
    empty=EMPTY,
)


def layout(context: Context) -> list[Any]:
    """The flame graph, the table, the rings."""
    with context.reader.snapshot() as snapshot:
        data = load(snapshot, context)
    if data is None:
        return [nothing(EMPTY)]
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
        ("cpu", "of it CPU (ms)", "duration"),
        ("place", "source", ""),
    )
    note = f"The newest {data.profiled:,} of {data.all_profiled:,} sampled requests, merged."
    merged = grid("profile-lines", "Lines", rows, columns, note=note)
    return [card(ICICLE, context), merged, card(SUNBURST, context)]


PAGE = Page(
    "/endpoint/<endpoint>/grouped-profiler",
    "Grouped profiler",
    ENDPOINT,
    (ICICLE, SUNBURST),
    layout,
)
