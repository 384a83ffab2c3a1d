"""Multi-version API utilization: how each version's requests divide over the endpoints."""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go

from dash_app.context import Context
from dash_app.figures.heatmap import share_labels, version_share
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Page
from dash_app.view import Table, View, style_of
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.utilization import VersionShare
from otel_fmd.queries.utilization import version_share as query

MOST_VERSIONS = 100


class Data(NamedTuple):
    """The shares, and the names of their endpoints."""

    share: VersionShare
    endpoints: list[str]


def load(snapshot: Snapshot, context: Context) -> Data | None:
    """The newest versions of the selected time."""
    share = query(snapshot, context.selection(snapshot), MOST_VERSIONS)
    if not share.endpoint_ids:
        return None
    return Data(share, [snapshot.labels[number] for number in share.endpoint_ids])


def figure(data: Data, style: Style) -> go.Figure:
    """A heat map in percent."""
    names = [version.name for version in data.share.versions]
    return version_share(data.endpoints, names, data.share.percent, data.share.hits, style)


def table(data: Data, _context: Context) -> Table:
    """One row per endpoint, one column per version, in percent."""
    rows = [
        (name, *(round(value, 4) for value in row))
        for name, row in zip(data.endpoints, data.share.percent, strict=True)
    ]
    return ("endpoint", *(version.name for version in data.share.versions)), rows


def open_cell(point: dict[str, Any], context: Context) -> str | None:
    """The requests of an endpoint in a version; a heat map tells its labels only."""
    with context.reader.snapshot() as snapshot:
        data = load(snapshot, context)
    if data is None:
        return None
    versions = [version.name for version in data.share.versions]
    rows, columns = share_labels(data.endpoints, versions, style_of(context))
    if point["y"] not in rows or point["x"] not in columns:
        return None
    endpoint = data.share.endpoint_ids[rows.index(point["y"])]
    version = versions[columns.index(point["x"])]
    return context.href("/requests", endpoint=str(endpoint), version=version)


VIEW = View(
    name="multi-version",
    title="Multi-version API utilization",
    description="Each column is a version, its cells add up to 100 %: what share of its requests "
    "went to each endpoint. A row that fades to the right is falling out of use. Click a cell to "
    "see its requests.",
    load=load,
    figure=figure,
    table=table,
    click=open_cell,
)
PAGE = Page("/versions", "Multi-version utilization", APPLICATION, (VIEW,))
