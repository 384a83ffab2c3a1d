"""User-focused multi-version performance of one endpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go

from dash_app.context import Context
from dash_app.figures.bubbles import Bubble, who_by_version
from dash_app.figures.style import Style, noted
from dash_app.page import ENDPOINT, Page
from dash_app.view import Table, View
from otel_fmd.analysis.who import OTHERS, who_cell
from otel_fmd.queries.latency import Who, by_who
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.kinds import ADDRESS, USER

_MOST_PEOPLE = 50
_MOST_VERSIONS = 30


class Data(NamedTuple):
    """Bubbles, people (most requests first) and versions (oldest first)."""

    bubbles: list[Bubble]
    people: list[str]
    versions: list[str]
    what: str
    note: str


def load_who(snapshot: Snapshot, context: Context, kind: int) -> Data | None:
    """The people with most requests in the newest versions."""
    if context.endpoint_id not in snapshot.endpoints:
        return None
    found = by_who(snapshot, context.endpoint_id, kind, context.selection(snapshot))
    if not found.found:
        return None
    used = {version for version, _ in found.found}
    all_seen = versions_seen(snapshot, [context.endpoint_id])
    seen = [one for one in all_seen if one.id in used][:_MOST_VERSIONS]
    names = {version.id: version.name for version in seen}
    totals: dict[str, int] = {}
    for (version, who), one in found.found.items():
        if version in names:
            totals[who] = totals.get(who, 0) + one.count
    people = sorted(totals, key=lambda who: -totals[who])[:_MOST_PEOPLE]
    chosen = set(people)
    bubbles = [
        Bubble(who, names[version], one.count, one.median)
        for (version, who), one in found.found.items()
        if version in names and who in chosen
    ]
    versions = [names[version.id] for version in reversed(seen)]
    what = "user" if kind == USER else "address"
    return Data(bubbles, people, versions, what, note_of(found))


def note_of(found: Who) -> str:
    """What of the selected requests is shown, where it is not all."""
    if found.counted >= found.selected:
        return ""
    return f"the newest {found.counted:,} of {found.selected:,} requests"


def load(snapshot: Snapshot, context: Context) -> Data | None:
    """Users."""
    return load_who(snapshot, context, USER)


def load_addresses(snapshot: Snapshot, context: Context) -> Data | None:
    """Addresses."""
    return load_who(snapshot, context, ADDRESS)


def figure(data: Data, style: Style) -> go.Figure:
    """A bubble per user and version."""
    drawn = who_by_version(data.bubbles, data.people, data.versions, style, data.what)
    return noted(drawn, data.note, style)


def table(data: Data, _context: Context) -> Table:
    """One row per bubble."""
    rows = [(who_cell(b.who), b.version, b.requests, round(b.median_ms, 6)) for b in data.bubbles]
    return (data.what, "version", "requests", "median_ms"), rows


def open_bubble(point: dict[str, Any], context: Context) -> str | None:
    """The requests of a user, or from an address, in a version."""
    who, version, what = point["customdata"]
    if who == OTHERS:
        return None
    name = "user" if what == "user" else "ip"
    found = {name: who, "version": version}
    return context.href("/requests", endpoint=str(context.endpoint_id), **found)


VIEW = View(
    name="endpoint-users",
    title="User-focused multi-version performance",
    description="Who waits, and since when: each bubble is one user in one version, "
    "larger and brighter when the median request took longer. Click one to see its requests.",
    load=load,
    figure=figure,
    table=table,
    click=open_bubble,
    empty="No requests in the selected time. Users come from the attribute enduser.id or user.id "
    "of the spans.",
)
PAGE = Page("/endpoint/<endpoint>/users", "User-focused", ENDPOINT, (VIEW,))
