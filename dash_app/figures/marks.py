"""Marks on axes of days: deploys, and where an adopted history ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dash_app.figures.style import Style, plain


class Mark(NamedTuple):
    """A day, as the axis names it, and what happened on it."""

    day: str
    words: str


def add_marks(figure: go.Figure, marks: Sequence[Mark], style: Style) -> go.Figure:
    """Mark days that the figure shows: a dotted line, and a flag that tells more on hover."""
    if not marks:
        return figure
    days = {day for trace in figure.data for day in (trace.x if trace.x is not None else ())}
    by_day: dict[str, list[str]] = {}
    for mark in marks:
        if mark.day in days:
            by_day.setdefault(mark.day, []).append(mark.words)
    for day, words in sorted(by_day.items()):
        figure.add_shape(
            type="line",
            x0=day,
            x1=day,
            y0=0,
            y1=1,
            yref="paper",
            line={"color": style.text, "width": 1.5, "dash": "dot"},
        )
        figure.add_annotation(
            x=day,
            y=1,
            yref="paper",
            text="⚑",
            hovertext="<br>".join(plain(one) for one in words),
            showarrow=False,
            yanchor="bottom",
            font={"size": 15, "color": style.text},
        )
    if by_day:
        figure.update_layout(margin={"t": 28})
    return figure
