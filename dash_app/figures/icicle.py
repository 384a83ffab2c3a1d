"""Profiles as areas: an icicle (a flame graph from the top) and a sunburst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from dash_app.figures.style import Style, layout, plain, scale_bar, shorten
from otel_fmd.analysis.text import duration_text


class Block(NamedTuple):
    """A line of a merged profile: its path identifies it; times in ms over all requests."""

    path: tuple[str, ...]
    code: str
    place: str
    total_ms: float
    cpu_ms: float
    hits: int


def _parts(blocks: Sequence[Block], style: Style) -> dict[str, Any]:
    return {
        "ids": ["\n".join(block.path) for block in blocks],
        "parents": ["\n".join(block.path[:-1]) for block in blocks],
        "labels": [plain(shorten(block.code, 60)) for block in blocks],
        "values": _areas(blocks),
        "branchvalues": "total",
        "customdata": [_words(block) for block in blocks],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "colors": [
                block.cpu_ms / block.total_ms if block.total_ms else 0.0 for block in blocks
            ],
            "colorscale": "Cividis",
            "cmin": 0,
            "cmax": 1,
            "colorbar": {**scale_bar(style, "CPU share"), "tickformat": ".0%"},
        },
    }


def _words(block: Block) -> str:
    share = block.cpu_ms / block.total_ms if block.total_ms else 0
    return (
        f"{plain(block.code)}<br>{plain(block.place)}<br>{duration_text(block.total_ms)}"
        f" in {block.hits} requests, {100 * share:.0f} % CPU"
    )


def _areas(blocks: Sequence[Block]) -> list[float]:
    """The total of each line, or of the lines below it where those add up to more (rounding)."""
    found = {block.path: block.total_ms for block in blocks}
    below: dict[tuple[str, ...], float] = {}
    for path in sorted(found, key=len, reverse=True):
        found[path] = max(found[path], below.get(path, 0.0))
        below[path[:-1]] = below.get(path[:-1], 0.0) + found[path]
    return [found[block.path] for block in blocks]


def icicle(blocks: Sequence[Block], style: Style) -> go.Figure:
    """The widest bars take the most time; below each line, what it calls."""
    figure = go.Figure(go.Icicle(tiling={"orientation": "v"}, **_parts(blocks, style)))
    figure.update_layout(layout(style, height=520, margin={"l": 5, "r": 5, "t": 10, "b": 10}))
    return figure


def sunburst(blocks: Sequence[Block], style: Style) -> go.Figure:
    """The same as rings, the endpoint in the middle."""
    figure = go.Figure(go.Sunburst(**_parts(blocks, style)))
    figure.update_layout(layout(style, height=520, margin={"l": 5, "r": 5, "t": 10, "b": 10}))
    return figure
