"""Load over time: requests per hour and day, per day and endpoint, per endpoint and version."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.analysis.calendar import HourlyLoad
from otel_fmd.queries import utilization
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.utilization import DailyLoad, VersionShare
from otel_fmd.queries.versions import known_range
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ENDPOINT
from otel_fmd.views.view import NOTHING, Column, Table, View

_MOST_ENDPOINTS = 25
_REST = "all other endpoints"
_MOST_VERSIONS = 100


class Daily(NamedTuple):
    """Requests per column by the endpoint's name, the busiest first.

    `ids` are those of the endpoints, 0 of the rest.
    """

    load: DailyLoad
    named: dict[str, list[int]]
    ids: dict[str, int]


class Shares(NamedTuple):
    """The shares, and the names of their endpoints."""

    share: VersionShare
    endpoints: list[str]


def hourly(snapshot: Snapshot, look: Look) -> HourlyLoad | None:
    """The load of the selected time."""
    selection = known_range(snapshot, look.selection(snapshot))
    found = utilization.hourly(snapshot, selection, look.zone)
    return found if found.total else None


def hourly_table(data: HourlyLoad | None, _look: Look) -> Table:
    """One row per hour."""
    if data is None:
        return NOTHING
    rows = [
        (label, hour, data.matrix[hour][column])
        for column, label in enumerate(data.columns.labels)
        for hour in range(24)
    ]
    return Table((Column(data.columns.unit), Column("hour"), Column("requests")), rows)


def daily(snapshot: Snapshot, look: Look) -> Daily | None:
    """The busiest endpoints, the rest together."""
    selection = known_range(snapshot, look.selection(snapshot))
    found = utilization.daily(snapshot, selection, look.zone)
    if not found.per_endpoint:
        return None
    order = sorted(found.per_endpoint, key=lambda number: -sum(found.per_endpoint[number]))
    named: dict[str, list[int]] = {}
    ids: dict[str, int] = {}
    for place, number in enumerate(order):
        name = snapshot.labels[number] if place < _MOST_ENDPOINTS else _REST
        row = named.setdefault(name, [0] * len(found.columns))
        ids[name] = number if place < _MOST_ENDPOINTS else 0
        for column, value in enumerate(found.per_endpoint[number]):
            row[column] += value
    return Daily(found, named, ids)


def daily_table(data: Daily | None, _look: Look) -> Table:
    """One row per day (or longer time), one column per endpoint."""
    if data is None:
        return NOTHING
    columns = data.load.columns
    rows = [
        (label, *(values[column] for values in data.named.values()))
        for column, label in enumerate(columns.labels)
    ]
    return Table([Column(columns.unit), *map(Column, data.named)], rows)


def shares(snapshot: Snapshot, look: Look) -> Shares | None:
    """The newest versions of the selected time."""
    share = utilization.version_share(snapshot, look.selection(snapshot), _MOST_VERSIONS)
    if not share.endpoint_ids:
        return None
    return Shares(share, [snapshot.labels[number] for number in share.endpoint_ids])


def shares_table(data: Shares | None, _look: Look) -> Table:
    """One row per endpoint, one column per version, in percent."""
    if data is None:
        return NOTHING
    rows = [
        (name, *(round(value, 4) for value in row))
        for name, row in zip(data.endpoints, data.share.percent, strict=True)
    ]
    names = [version.name for version in data.share.versions]
    return Table([Column("endpoint"), *(Column(name, "%") for name in names)], rows)


HOURLY = View(
    name="hourly",
    title="Hourly API utilization",
    description="When your users are active: each cell is one hour of one day. A dark cell at an "
    "unusual hour is a burst or a crawler; a light one on a busy day may be an outage.",
    load=hourly,
    table=hourly_table,
)
ENDPOINT_HOURLY = View(
    name="endpoint-hourly",
    title="Hourly load",
    description="When this endpoint is used: each cell is one hour of one day. Click a cell to see "
    "its requests.",
    load=hourly,
    table=hourly_table,
    parameters=(ENDPOINT,),
)
DAILY = View(
    name="daily",
    title="Daily API utilization",
    description="How much each endpoint is used per day. A colour that grows from one day to the "
    "next shows where load comes from. Click it in the legend to hide it, or click a bar to see "
    "its requests.",
    load=daily,
    table=daily_table,
)
MULTI_VERSION = View(
    name="multi-version",
    title="Multi-version API utilization",
    description="Each column is a version: its cells show what share of its requests went to each "
    "endpoint, and add up to 100 %. A row that fades to the right is falling out of use. Click a "
    "cell to see its requests.",
    load=shares,
    table=shares_table,
)
