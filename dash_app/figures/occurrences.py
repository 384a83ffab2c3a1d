"""Occurrences over time, by version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import plotly.graph_objects as go

from dash_app.figures.style import Style, labels, layout, plain


def occurrences_over_time(
    starts: Sequence[datetime],
    per_version: Mapping[str, Sequence[int]],
    minutes: int,
    style: Style,
) -> go.Figure:
    """Stacked bars, one colour per version.

    Args:
        starts: when each part of the time begins, in the time zone shown.
        per_version: occurrences in each part, by version.
        minutes: how long a part is.
        style: how figures look.
    """
    figure = go.Figure()
    named = labels(per_version, 32)
    for version, values in per_version.items():
        figure.add_trace(
            go.Bar(
                name=named[version],
                meta=plain(version),
                x=[start.replace(tzinfo=None) for start in starts],
                offset=0,
                width=minutes * 60_000 * 0.92,
                y=list(values),
                marker={"color": style.color_of(version)},
                hovertemplate="version %{meta}<br>%{x}: %{y:,} occurrences<extra></extra>",
            )
        )
    words = f"{minutes} min" if minutes < 120 else f"{minutes / 60:g} h"
    figure.update_layout(
        layout(
            style,
            barmode="stack",
            xaxis={"title": {"text": f"time ({style.zone})"}, "type": "date"},
            yaxis={"title": {"text": f"occurrences per {words}"}, "rangemode": "tozero"},
            height=320,
        )
    )
    return figure
