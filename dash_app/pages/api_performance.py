"""API performance: durations per endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.context import Context
from dash_app.figures.boxes import Box, duration_boxes
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from dash_app.view import Table, View, clicked_key
from otel_fmd.queries.latency import distributions
from otel_fmd.queries.snapshot import Snapshot


def load(snapshot: Snapshot, context: Context) -> list[Box]:
    """A box per endpoint, the slowest first."""
    found = distributions(snapshot, context.selection(snapshot), ("endpoint_id",))
    boxes = [
        Box(snapshot.labels[number], snapshot.endpoints[number].service, one, str(number))
        for (number,), one in found.items()
    ]
    return sorted(boxes, key=lambda box: -box.data.median)


def figure(boxes: list[Box], style: Style) -> go.Figure:
    """Horizontal boxes."""
    return duration_boxes(boxes, style, "endpoint")


def table(boxes: list[Box], _context: Context) -> Table:
    """One row per box, durations in milliseconds."""
    columns = ("requests", "mean_ms", "q1_ms", "median_ms", "q3_ms", "p95_ms", "p99_ms", "max_ms")
    rows = [
        (
            box.label,
            one.count,
            *(
                round(value, 6)
                for value in (
                    one.mean,
                    one.q1,
                    one.median,
                    one.q3,
                    one.p95,
                    one.p99,
                    one.maximum,
                )
            ),
        )
        for box in boxes
        for one in (box.data,)
    ]
    return ("name", *columns), rows


def open_endpoint(point: dict[str, Any], context: Context) -> str | None:
    """The requests behind a box."""
    key = clicked_key(point)
    return context.href("/requests", endpoint=key) if key else None


VIEW = View(
    name="api-performance",
    title="API performance",
    description="How long requests take, the slowest endpoint first. The box holds the middle half "
    "of the requests; a long whisker to the right means that some users wait much longer. Click a "
    "median to see the requests.",
    load=load,
    figure=figure,
    table=table,
    click=open_endpoint,
)
PAGE = Page("/performance", "API performance", APPLICATION, (VIEW,))
