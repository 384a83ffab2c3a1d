"""Marks on axes of days: deploys, and where an adopted history ends."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dash_app.figures.style import Style, plain
from otel_fmd.analysis.calendar import UNITS, Mark, label_of

_MOST_WORDS = 10


def add_marks(figure: go.Figure, marks: Sequence[Mark], style: Style) -> go.Figure:
    """Mark days that the figure shows: a dotted line, and a flag with details on hover."""
    if not marks:
        return figure
    shown = {x for trace in figure.data for x in (trace.x if trace.x is not None else ())}
    by_day: dict[str, list[str]] = {}
    for mark in marks:
        for label in (label_of(mark.day, unit) for unit in UNITS):
            if label in shown:
                by_day.setdefault(label, []).append(mark.words)
                break
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
            hovertext="<br>".join(plain(one) for one in _few(words)),
            showarrow=False,
            yanchor="bottom",
            font={"size": 15, "color": style.text},
        )
    if by_day:
        figure.update_layout(margin={"t": 28})
    return figure


def _few(words: Sequence[str]) -> Sequence[str]:
    rest = len(words) - _MOST_WORDS
    return words if rest <= 0 else [*words[:_MOST_WORDS], f"and {rest} more"]
