"""Per-version performance of one endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.context import Context
from dash_app.figures.boxes import Box, duration_boxes
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from dash_app.pages.api_performance import table
from dash_app.view import View, clicked_key
from otel_fmd.queries.latency import distributions
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen

_MOST = 100


def load(snapshot: Snapshot, context: Context) -> list[Box]:
    """A box per version, the newest first."""
    selection = context.selection(snapshot)
    found = distributions(snapshot, selection, ("version_id",))
    boxes = []
    for version in versions_seen(snapshot, selection.endpoint_ids)[:_MOST]:
        one = found.get((version.id,))
        if one is not None:
            seen = context.time_of(version.first_us)
            boxes.append(Box(version.name, f"first seen {seen}", one, version.name))
    return boxes


def figure(boxes: list[Box], style: Style) -> go.Figure:
    """Horizontal boxes."""
    return duration_boxes(boxes, style, "version, newest first")


def open_version(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a version."""
    key = clicked_key(point)
    endpoint = str(context.endpoint_id)
    return context.href("/requests", endpoint=endpoint, version=key) if key else None


VIEW = View(
    name="endpoint-versions",
    title="Per-version performance",
    description="Did a release make it slower? Each box is a version, the newest at the top; a box "
    "that stands further to the right than the one below it got slower. Click a median to see the "
    "requests.",
    load=load,
    figure=figure,
    table=table,
    click=open_version,
)
PAGE = Page("/endpoint/<endpoint>/versions", "Per-version performance", ENDPOINT, (VIEW,))
