"""User-focused multi-version performance of one endpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go

from dash_app.context import ALL_TIME, Context
from dash_app.figures.bubbles import Bubble, who_by_version
from dash_app.figures.style import Style
from dash_app.page import ENDPOINT, Page
from dash_app.view import Table, View
from otel_fmd.database.queries.latency import OTHERS, by_who
from otel_fmd.database.queries.snapshot import Snapshot
from otel_fmd.database.queries.versions import versions_seen
from otel_fmd.database.rollups import ADDRESS, USER

UNKNOWN = "(unknown)"
_MOST_PEOPLE = 50
_MOST_VERSIONS = 30


class Data(NamedTuple):
    """Bubbles, people (most requests first) and versions (oldest first)."""

    bubbles: list[Bubble]
    people: list[str]
    versions: list[str]
    what: str


def load_who(snapshot: Snapshot, context: Context, kind: int) -> Data | None:
    """The people with most requests in the newest versions."""
    found = by_who(snapshot, context.endpoint_id, kind)
    if not found or context.endpoint_id not in snapshot.endpoints:
        return None
    seen = versions_seen(snapshot, [context.endpoint_id])[:_MOST_VERSIONS]
    names = {
        version.id: version.name for version in seen if context.version in (None, version.name)
    }
    totals: dict[str, int] = {}
    for (version, who), one in found.items():
        if version in names:
            totals[who] = totals.get(who, 0) + one.count
    people = sorted(totals, key=lambda who: -totals[who])[:_MOST_PEOPLE]
    chosen = set(people)
    bubbles = [
        Bubble(who or UNKNOWN, names[version], one.count, one.median)
        for (version, who), one in found.items()
        if version in names and who in chosen
    ]
    versions = [names[version.id] for version in reversed(seen) if version.id in names]
    what = "user" if kind == USER else "address"
    return Data(bubbles, [who or UNKNOWN for who in people], versions, what)


def load(snapshot: Snapshot, context: Context) -> Data | None:
    """Users."""
    return load_who(snapshot, context, USER)


def load_addresses(snapshot: Snapshot, context: Context) -> Data | None:
    """Addresses."""
    return load_who(snapshot, context, ADDRESS)


def figure(data: Data, style: Style) -> go.Figure:
    """A bubble per user and version."""
    return who_by_version(data.bubbles, data.people, data.versions, style, data.what)


def table(data: Data, _context: Context) -> Table:
    """One row per bubble."""
    rows = [(b.who, b.version, b.requests, round(b.median_ms, 6)) for b in data.bubbles]
    return (data.what, "version", "requests", "median_ms"), rows


def open_bubble(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a user, or from an address, in a version."""
    who, version, what = point["customdata"]
    if who == OTHERS:
        return None
    name = "user" if what == "user" else "ip"
    found = {**ALL_TIME, name: "" if who == UNKNOWN else who, "version": version}
    return context.href("/requests", endpoint=str(context.endpoint_id), **found)


VIEW = View(
    name="endpoint-users",
    title="User-focused multi-version performance",
    description="Who waits, and since when: of all time, each bubble is one user in one version, "
    "larger and brighter when the median request took longer. Click one to see its requests.",
    load=load,
    figure=figure,
    table=table,
    click=open_bubble,
    empty="No requests yet. Users come from the attribute enduser.id or user.id of the spans.",
)
PAGE = Page("/endpoint/<endpoint>/users", "User-focused", ENDPOINT, (VIEW,))
