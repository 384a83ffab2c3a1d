"""Distributions of durations side by side: per endpoint, per version, per user."""

from __future__ import annotations

from otel_fmd.analysis.callers import caller_label
from otel_fmd.analysis.distribution import NamedDistribution
from otel_fmd.queries.latency import caller_distributions, distributions
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.kinds import USER
from otel_fmd.views.callers import NO_USERS, note_of
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ENDPOINT
from otel_fmd.views.view import Column, Table, View

_MOST_USERS = 50
_MOST_VERSIONS = 100
_DIGITS = 6


def per_endpoint(snapshot: Snapshot, look: Look) -> list[NamedDistribution]:
    """One per endpoint, the slowest first; keys are ids."""
    found = distributions(snapshot, look.selection(snapshot), ("endpoint_id",))
    rows = [
        NamedDistribution(
            snapshot.labels[number], snapshot.endpoints[number].service, one, str(number)
        )
        for (number,), one in found.items()
    ]
    return sorted(rows, key=lambda row: -row.data.median)


def per_version(snapshot: Snapshot, look: Look) -> list[NamedDistribution]:
    """One per version of an endpoint, the newest first; keys are version names."""
    selection = look.selection(snapshot)
    found = distributions(snapshot, selection, ("version_id",))
    rows = []
    for version in versions_seen(snapshot, selection.endpoint_ids)[:_MOST_VERSIONS]:
        one = found.get((version.id,))
        if one is not None:
            seen = look.time_of(version.first_us)
            rows.append(NamedDistribution(version.name, f"first seen {seen}", one, version.name))
    return rows


def per_user(snapshot: Snapshot, look: Look) -> list[NamedDistribution]:
    """One per user of an endpoint, the one with the most requests first.

    Keys are `=` followed by the user's key (see `analysis.callers`), so that the key of the unknown
    user is not empty.
    """
    if look.endpoint_id not in snapshot.endpoints:
        return []
    who = caller_distributions(snapshot, look.endpoint_id, USER, look.selection(snapshot))
    found = {name: one for (_, name), one in who.found.items()}
    order = sorted(found, key=lambda name: -found[name].count)[:_MOST_USERS]
    note = note_of(who)
    return [NamedDistribution(caller_label(one), note, found[one], f"={one}") for one in order]


def table(data: list[NamedDistribution], _look: Look) -> Table:
    """One row each, durations in milliseconds."""
    names = ("mean", "q1", "median", "q3", "p95", "p99", "max")
    columns = [Column("name"), Column("requests"), *(Column(f"{name}_ms", "ms") for name in names)]
    rows = []
    for row in data:
        one = row.data
        values = (one.mean, one.q1, one.median, one.q3, one.p95, one.p99, one.maximum)
        rows.append((row.label, one.count, *(round(value, _DIGITS) for value in values)))
    return Table(columns, rows)


API_PERFORMANCE = View(
    name="api-performance",
    title="API performance",
    description="How long requests take, slowest endpoint first. The box spans the middle half of "
    "the requests; a long whisker to the right means that some users wait much longer. Click a "
    "median to see the requests.",
    load=per_endpoint,
    table=table,
)
ENDPOINT_VERSIONS = View(
    name="endpoint-versions",
    title="Per-version performance",
    description="Did a release make this endpoint slower? Each box is a version, newest at the "
    "top; a box further to the right than the one below it got slower. Click a median to see the "
    "requests.",
    load=per_version,
    table=table,
    parameters=(ENDPOINT,),
)
ENDPOINT_USER_DURATIONS = View(
    name="endpoint-user-boxes",
    title="Per-user performance",
    description="How long each user waits; the user with the most requests is at the top. A single "
    "box far to the right of the others points to that user's data rather than your code. Click a "
    "median to see the requests.",
    load=per_user,
    table=table,
    empty=NO_USERS,
    parameters=(ENDPOINT,),
)
