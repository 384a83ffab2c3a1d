"""How busy a machine was when requests were slow."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dash_app.figures.style import Style, layout
from otel_fmd.analysis.outliers import OutlierLoad
from otel_fmd.analysis.text import duration_text


def cpu_load(loads: Sequence[OutlierLoad], style: Style) -> go.Figure:
    """One box per core: how busy it was at each outlier, in percent."""
    figure = go.Figure()
    cores = max((len(one.cpu_percent) for one in loads), default=0)
    for core in range(cores):
        name = f"core {core}"
        figure.add_trace(
            go.Box(
                name=name,
                y=[one.cpu_percent[core] for one in loads if core < len(one.cpu_percent)],
                marker={"color": style.color_of(f"CPU core {core}")},
                boxpoints="outliers",
                showlegend=False,
            )
        )
    figure.update_layout(
        layout(
            style,
            xaxis={"title": {"text": "CPU core"}, "type": "category"},
            yaxis={"title": {"text": "busy (%)"}, "range": [0, 105]},
            height=360,
        )
    )
    return figure


def memory_load(loads: Sequence[OutlierLoad], style: Style) -> go.Figure:
    """A point per outlier: the percent of memory in use against how long the request took."""
    shown = [one for one in loads if one.memory_percent is not None]
    figure = go.Figure(
        go.Scatter(
            x=[one.duration_ms for one in shown],
            y=[one.memory_percent for one in shown],
            mode="markers",
            marker={"color": "#0072b2", "size": 9, "opacity": 0.7},
            text=[
                f"{one.time_requested:%Y-%m-%d %H:%M:%S} UTC<br>took "
                f"{duration_text(one.duration_ms)}<br>{one.memory_percent:g} % of memory in use"
                for one in shown
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_layout(
        layout(
            style,
            xaxis={"title": {"text": "duration (ms), logarithmic"}, "type": "log"},
            yaxis={"title": {"text": "memory in use (%)"}, "range": [0, 105]},
            height=360,
        )
    )
    return figure
