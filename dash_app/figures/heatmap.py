"""Heat maps: load by hour and day, share by endpoint and version."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dash_app.figures.style import Style, labels, layout, scale_bar
from otel_fmd.analysis.calendar import HourlyLoad


def hourly_load(data: HourlyLoad, style: Style) -> go.Figure:
    """Requests per hour of the day (upward) and day, or longer time (rightward)."""
    unit = data.columns.unit
    figure = go.Figure(
        go.Heatmap(
            x=data.columns.labels,
            y=list(range(24)),
            z=data.matrix,
            colorscale=style.scale,
            zmin=0,
            xgap=1,
            ygap=1,
            colorbar=scale_bar(style, "requests"),
            hovertemplate="%{x}, %{y}:00 to %{y}:59<br>%{z:,} requests<extra></extra>",
        )
    )
    figure.update_layout(
        layout(
            style,
            xaxis={"title": {"text": f"{unit} ({style.zone})"}, "type": "category", "nticks": 14},
            yaxis={"title": {"text": "hour of the day"}, "dtick": 3, "ticksuffix": ":00"},
            height=460,
        )
    )
    return figure


def version_share(
    endpoints: Sequence[str],
    versions: Sequence[str],
    percent: Sequence[Sequence[float]],
    hits: Sequence[Sequence[int]],
    style: Style,
) -> go.Figure:
    """Share of each version's requests (column) per endpoint (row), in percent."""
    rows, columns = share_labels(endpoints, versions, style)
    figure = go.Figure(
        go.Heatmap(
            x=columns,
            y=rows,
            z=percent,
            customdata=hits,
            colorscale=style.scale,
            zmin=0,
            zmax=max((value for row in percent for value in row), default=100),
            xgap=1,
            ygap=1,
            colorbar=scale_bar(style, "%"),
            text=[[f"{value:.1f}" if value else "" for value in row] for row in percent],
            texttemplate="%{text}" if len(endpoints) * len(versions) <= 400 else None,
            hovertemplate=(
                "%{y}<br>version %{x}<br>%{z:.2f} % of the version's requests"
                "<br>%{customdata:,} requests<extra></extra>"
            ),
        )
    )
    figure.update_layout(
        layout(
            style,
            xaxis={"title": {"text": "version, oldest first"}, "type": "category"},
            yaxis={"title": {"text": "endpoint"}, "type": "category"},
            height=min(4000, max(300, 140 + 28 * len(endpoints))),
        )
    )
    return figure


def share_labels(
    endpoints: Sequence[str], versions: Sequence[str], style: Style
) -> tuple[list[str], list[str]]:
    """The labels of rows and columns: all that a click on a heat map carries."""
    rows, columns = labels(endpoints, style.width(42)), labels(versions, style.width(24))
    return [rows[name] for name in endpoints], [columns[name] for name in versions]
