"""Horizontal boxes of durations: per endpoint, version or user."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dash_app.figures.style import MOST_ROWS, Style, layout, named_rows, plain, row_labels
from otel_fmd.analysis.distribution import NamedDistribution
from otel_fmd.analysis.text import count_text, duration_text


def duration_boxes(
    boxes: Sequence[NamedDistribution], style: Style, what: str, *, log: bool = True
) -> go.Figure:
    """One box per label, the first at the top; durations in milliseconds."""
    figure = go.Figure()
    number, boxes = len(boxes), boxes[:MOST_ROWS]
    named = row_labels((box.label for box in boxes), style)
    for box in reversed(boxes):
        one = box.data
        figure.add_trace(
            go.Box(
                name=named[box.label],
                y=[named[box.label]],
                orientation="h",
                q1=[one.q1],
                median=[one.median],
                q3=[one.q3],
                lowerfence=[one.low],
                upperfence=[one.high],
                mean=[one.mean],
                marker={"color": style.color_of(box.label)},
                customdata=[box.key],
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[box.data.median for box in boxes],
            y=[named[box.label] for box in boxes],
            mode="markers",
            marker={"size": 18, "color": "rgba(0,0,0,0)"},
            customdata=[box.key for box in boxes],
            text=[_words(box) for box in boxes],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_layout(
        layout(
            style,
            boxgap=0.6 if style.narrow else 0.35,
            **named_rows(
                style,
                what,
                [named[box.label] for box in boxes],
                number,
                "duration (ms)" + (", logarithmic" if log else ""),
                type="log" if log else "linear",
            ),
        )
    )
    return figure


def _words(box: NamedDistribution) -> str:
    one = box.data
    exact = "exact" if one.is_exact else "within 1.1 %"
    note = f"<br>{plain(box.note)}" if box.note else ""
    return (
        f"<b>{plain(box.label)}</b>{note}<br>{count_text(one.count)} requests"
        f"<br>median {duration_text(one.median)}, middle half between"
        f" {duration_text(one.q1)} and {duration_text(one.q3)}"
        f"<br>p95 {duration_text(one.p95)}, p99 {duration_text(one.p99)}, max"
        f" {duration_text(one.maximum)}<br>({exact})"
    )
