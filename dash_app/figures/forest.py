"""A forest plot: the ratio of medians per endpoint, with its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dash_app.figures.style import MOST_ROWS, Style, layout, named_rows, plain, row_labels


class Change(NamedTuple):
    """How the median of an endpoint changed: ratio, and 95 % confidence interval."""

    name: str
    ratio: float
    low: float
    high: float
    significant: bool


_SLOWER, _FASTER, _SAME = "#d55e00", "#009e73", "#8a94a0"


def median_changes(changes: Sequence[Change], style: Style) -> go.Figure:
    """One line per endpoint, in percent of the baseline, the first at the top."""
    shown = list(reversed(changes[:MOST_ROWS]))

    def color(one: Change) -> str:
        if not one.significant:
            return _SAME
        return _SLOWER if one.ratio > 1 else _FASTER

    named = row_labels((one.name for one in shown), style)
    figure = go.Figure(
        go.Scatter(
            x=[100 * (one.ratio - 1) for one in shown],
            y=[named[one.name] for one in shown],
            mode="markers",
            marker={"color": [color(one) for one in shown], "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * (one.high - one.ratio) for one in shown],
                "arrayminus": [100 * (one.ratio - one.low) for one in shown],
                "thickness": 2,
                "color": style.text,
            },
            text=[
                f"<b>{plain(one.name)}</b><br>median {100 * (one.ratio - 1):+.1f} %"
                f"<br>95 % confidence: {100 * (one.low - 1):+.1f} to {100 * (one.high - 1):+.1f} %"
                f"<br>{'significant' if one.significant else 'not significant'}"
                for one in shown
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": style.text, "width": 1})
    figure.update_layout(
        layout(
            style,
            **named_rows(
                style,
                "endpoint",
                [named[one.name] for one in shown],
                len(changes),
                "change of the median (%)",
                ticksuffix=" %",
            ),
        )
    )
    return figure
