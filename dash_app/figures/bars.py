"""Bars: requests per day and endpoint, status codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dash_app.figures.style import (
    STATUS_COLORS,
    Style,
    labels,
    layout,
    plain,
    status_class,
)
from otel_fmd.analysis.calendar import Columns


def daily_load(
    columns: Columns,
    per_endpoint: Mapping[str, Sequence[int]],
    style: Style,
    ids: Mapping[str, int] | None = None,
) -> go.Figure:
    """Stacked bars of requests per day (or longer time), one colour per endpoint.

    `ids` are the endpoints' ids, passed on with a click.
    """
    figure = go.Figure()
    named = labels(per_endpoint, 32)
    for endpoint, values in per_endpoint.items():
        figure.add_trace(
            go.Bar(
                name=named[endpoint],
                meta=plain(endpoint),
                x=columns.labels,
                y=list(values),
                marker={"color": style.color_of(endpoint)},
                customdata=[str((ids or {}).get(endpoint) or "")] * len(columns),
                hovertemplate="%{meta}<br>%{x}: %{y:,} requests<extra></extra>",
            )
        )
    figure.update_layout(
        layout(
            style,
            barmode="stack",
            xaxis={
                "title": {"text": f"{columns.unit} ({style.zone})"},
                "type": "category",
                "nticks": 14,
            },
            yaxis={"title": {"text": f"requests per {columns.unit}"}, "rangemode": "tozero"},
            height=440 + 14 * len(per_endpoint),
        )
    )
    return figure


def status_distribution(counts: Mapping[int, int], style: Style) -> go.Figure:
    """Requests per status code, in the fixed colours of their classes."""
    total = sum(counts.values())
    codes = sorted(counts)
    names = [str(code) if code else "none" for code in codes]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=[counts[code] for code in codes],
            marker={"color": [STATUS_COLORS[status_class(code)] for code in codes]},
            customdata=[100 * counts[code] / total for code in codes],
            text=[f"{100 * counts[code] / total:.2f} %" for code in codes],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="status %{x}<br>%{y:,} requests, %{customdata:.3f} %<extra></extra>",
        )
    )
    figure.update_layout(
        layout(
            style,
            xaxis={"title": {"text": "HTTP status code"}, "type": "category"},
            yaxis={"title": {"text": "requests"}, "rangemode": "tozero"},
            margin={"l": 60, "r": 20, "t": 30, "b": 50},
        )
    )
    return figure
