"""Per-user performance of one endpoint."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dash_app.context import Context
from dash_app.figures.boxes import Box, duration_boxes
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from dash_app.pages.api_performance import table
from dash_app.pages.endpoint_users import note_of
from dash_app.view import View, clicked_key
from otel_fmd.analysis.who import OTHERS, who_label
from otel_fmd.queries.latency import who_distributions
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.kinds import USER

_MOST = 50


def load(snapshot: Snapshot, context: Context) -> list[Box]:
    """A box per user, the one with most requests first."""
    if context.endpoint_id not in snapshot.endpoints:
        return []
    who = who_distributions(snapshot, context.endpoint_id, USER, context.selection(snapshot))
    found = {name: one for (_, name), one in who.found.items()}
    order = sorted(found, key=lambda name: -found[name].count)[:_MOST]
    return [Box(who_label(name), note_of(who), found[name], f"={name}") for name in order]


def figure(boxes: list[Box], style: Style) -> go.Figure:
    """Horizontal boxes."""
    return duration_boxes(boxes, style, "user, most requests first")


def open_user(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a user."""
    key = clicked_key(point)
    if not key or key == f"={OTHERS}":
        return None
    return context.href("/requests", endpoint=str(context.endpoint_id), user=key[1:])


VIEW = View(
    name="endpoint-user-boxes",
    title="Per-user performance",
    description="How long each user waits; the one with most requests at the top. "
    "One box far to the right of the others is one user's data, not your code. Click a median to "
    "see the requests.",
    load=load,
    figure=figure,
    table=table,
    click=open_user,
    empty="No requests in the selected time. Users come from the attribute enduser.id or user.id "
    "of the spans.",
)
PAGE = Page("/endpoint/<endpoint>/user-performance", "Per-user performance", ENDPOINT, (VIEW,))
