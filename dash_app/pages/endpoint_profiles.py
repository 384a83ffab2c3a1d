"""Profiler: each profiled request as a tree, the newest first, paged."""

from __future__ import annotations

from typing import Any

from dash import html

from dash_app.components.paging import pages_around
from dash_app.components.profile import profile_card
from dash_app.components.states import nothing
from dash_app.context import Context
from dash_app.page import ENDPOINT, Page
from otel_fmd.views.load import Loaded
from otel_fmd.views.profiles import PER_PAGE, PROFILES


def layout(loaded: Loaded[Context], context: Context) -> list[Any]:
    """A page of profiles."""
    data = loaded[PROFILES]
    if data is None:
        return [nothing(PROFILES.empty)]
    words = html.P(
        f"{data.total:,} requests were profiled, newest first. {PROFILES.description}",
        className="card-help",
    )
    cards = [
        profile_card(one, context, opened=place == 0 or data.page > 0)
        for place, one in enumerate(data.found)
    ]
    path = f"/endpoint/{context.endpoint_id}/profiler"
    more = (data.page + 1) * PER_PAGE < data.total
    return [words, *cards, pages_around(context, path, data.page, more=more)]


PAGE = Page("/endpoint/<endpoint>/profiler", "Profiler", ENDPOINT, views=(PROFILES,), layout=layout)
