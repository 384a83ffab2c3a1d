"""Bubble plots: callers (users or addresses) by version."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dash_app.figures.style import Style, labels, layout, plain, scale_bar
from otel_fmd.analysis.callers import CallerInVersion, caller_label
from otel_fmd.analysis.text import count_text, duration_text

_LARGEST_PX = 46


def callers_by_version(
    bubbles: Sequence[CallerInVersion],
    callers: Sequence[str],
    versions: Sequence[str],
    style: Style,
    what: str,
) -> go.Figure:
    """Size and colour by median duration; counts on hover."""
    named = labels((caller_label(caller) for caller in callers), style.width(32))
    rows = {caller: named[caller_label(caller)] for caller in callers}
    columns = labels(versions, style.width(24))
    most = max((b.median_ms for b in bubbles), default=1.0) or 1.0
    figure = go.Figure(
        go.Scatter(
            x=[columns[b.version] for b in bubbles],
            y=[rows[b.caller] for b in bubbles],
            mode="markers",
            marker={
                "size": [max(1e-9, b.median_ms) for b in bubbles],
                "sizemode": "area",
                "sizeref": 2 * most / _LARGEST_PX**2,
                "sizemin": 5,
                "color": [b.median_ms for b in bubbles],
                "colorscale": "Viridis",
                "colorbar": scale_bar(style, "median (ms)"),
                "line": {"width": 1, "color": style.text},
            },
            customdata=[[b.caller, b.version, what] for b in bubbles],
            text=[
                f"<b>{plain(caller_label(b.caller))}</b>, version {plain(b.version)}"
                f"<br>median {duration_text(b.median_ms)}"
                f"<br>{count_text(b.requests)} requests"
                for b in bubbles
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_layout(
        layout(
            style,
            xaxis={
                "title": {"text": "version, oldest first"},
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [columns[version] for version in versions],
            },
            yaxis={
                "title": {"text": what},
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [rows[caller] for caller in reversed(callers)],
            },
            height=min(5000, max(320, 160 + 40 * len(callers))),
        )
    )
    return figure
