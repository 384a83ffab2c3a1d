"""Profiler: each profiled request as a tree, the newest first, paged."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.components.profile import profile_card
from dash_app.context import Context
from dash_app.page import ENDPOINT, Page
from dash_app.parameters import MOST_PAGES, number_in
from dash_app.view import nothing
from otel_fmd.queries.profiles import profile_count, profiles

_PER_PAGE = 10
EMPTY = (
    "No profile in the selected time. Profiles come from our agent in the monitored app, at "
    "monitor level 3: otel_fmd.instrument(app), and the endpoint's level in the overview."
)


def layout(context: Context) -> list[Any]:
    """A page of profiles."""
    number = number_in(context.query.get("page"), MOST_PAGES) or 0
    with context.reader.snapshot() as snapshot:
        selection = context.selection(snapshot)
        total = profile_count(snapshot, context.endpoint_id, selection)
        start = number * _PER_PAGE
        found = profiles(snapshot, context.endpoint_id, selection, offset=start, limit=_PER_PAGE)
    if not found:
        return [nothing(EMPTY)]
    words = html.P(
        f"{total:,} requests were sampled; the newest first. Shares are of the request's duration; "
        "in the bars, yellow computes and blue waits.",
        className="card-help",
    )
    cards = [
        profile_card(one, context, opened=place == 0 or number > 0)
        for place, one in enumerate(found)
    ]
    links = []
    path = f"/endpoint/{context.endpoint_id}/profiler"
    if number:
        links.append(dcc.Link("← Newer", href=context.href(path, page=str(number - 1))))
    if (number + 1) * _PER_PAGE < total:
        links.append(dcc.Link("Older →", href=context.href(path, page=str(number + 1))))
    return [words, *cards, dmc.Group(links, justify="center")]


PAGE = Page("/endpoint/<endpoint>/profiler", "Profiler", ENDPOINT, (), layout)
