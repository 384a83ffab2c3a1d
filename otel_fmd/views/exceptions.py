"""Exceptions: all groups in a time range, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from otel_fmd.queries.exception_groups import (
    Group,
    GroupCounts,
    Groups,
    Span,
    Status,
    Total,
    Wanted,
    affected,
    counts,
    statuses,
    totals,
)
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import (
    ENDPOINT,
    ONLY_ENDPOINT,
    Parameter,
    one_of,
    one_schema,
)
from otel_fmd.views.view import Column, Table, View

MOST_GROUPS = 500
PARTS = 40
"""Parts of the selected time that sparklines and charts show, at the most."""
MOST_USERS = 1_000
"""Users that are counted of a variant."""
OPEN, ALL = "open", "all"
_STATES = (OPEN, *(one.value for one in Status), ALL)
STATE = Parameter(
    "state",
    "`open`: groups that are unresolved or regressed; or groups of one state; or `all`.",
    one_of(*_STATES),
    OPEN,
    schema=one_schema(*_STATES),
)


class Figures(NamedTuple):
    """A group in the selected time.

    `occurrences`, `parts` and `versions` (names, with counts, the newest first) are of that time;
    `total` and `users` (affected, at most about 1,000) of all time. `endpoints`: ids with counts.
    `is_new`: it has occurred in the newest version of its service only.
    """

    group: Group
    service: str
    status: Status
    occurrences: int
    parts: Sequence[int]
    versions: Mapping[str, int]
    endpoints: Mapping[int, int]
    total: Total
    users: int
    is_new: bool


class GroupList(NamedTuple):
    """Groups, the most frequent first; `left_out` more did not fit."""

    found: Sequence[Figures]
    left_out: int


def span_of(look: Look) -> Span:
    """The selected time, in the parts that are shown."""
    return Span(*look.times_us(), PARTS)


def load(snapshot: Snapshot, look: Look) -> GroupList:
    """The groups that occurred in the selected time."""
    groups, span = Groups(snapshot), span_of(look)
    found = counts(snapshot, groups, span, _wanted(snapshot, look))
    status = statuses(snapshot, groups, list(found), look.now_us)
    state = look.value(STATE)
    chosen = [number for number in found if _is_in(status[number], state)]
    chosen.sort(key=lambda number: (-found[number].count, number))
    shown = chosen[:MOST_GROUPS]
    figures = figures_of(snapshot, groups, {n: found[n] for n in shown}, status, span)
    return GroupList(figures, len(chosen) - len(shown))


def _is_in(status: Status, state: str) -> bool:
    if state == OPEN:
        return status in (Status.UNRESOLVED, Status.REGRESSED)
    return state in (ALL, status.value)


def _wanted(snapshot: Snapshot, look: Look) -> Wanted:
    endpoint = look.endpoint_id if look.is_of_endpoint else look.value(ONLY_ENDPOINT)
    services = versions = None
    if look.service is not None and not look.is_of_endpoint:
        services = [n for n, name in snapshot.services.items() if name == look.service]
    if look.version is not None:
        versions = [n for n, name in snapshot.versions.items() if name == look.version]
    return Wanted(services, endpoint, versions)


def figures_of(
    snapshot: Snapshot,
    groups: Groups,
    found: Mapping[int, GroupCounts],
    status: Mapping[int, Status],
    span: Span,
) -> list[Figures]:
    """The figures of groups that were counted and judged, in the order of `found`."""
    total, users = totals(snapshot, groups, list(found)), affected(snapshot, groups, list(found))
    newest = _newest_versions(snapshot)
    figures = []
    for number, one in found.items():
        group = groups.all[number]
        whole = total[number]
        latest = newest.get(group.service_id)
        figures.append(
            Figures(
                group,
                snapshot.services.get(group.service_id, ""),
                status[number],
                one.count,
                [one.parts.get(part, 0) for part in range(span.number)],
                {
                    snapshot.versions.get(version, "?"): one.versions[version]
                    for version in sorted(one.versions, reverse=True)
                },
                one.endpoints,
                whole,
                users.get(number, 0),
                latest is not None and whole.versions == {latest},
            )
        )
    return figures


def _newest_versions(snapshot: Snapshot) -> dict[int, int]:
    """The newest version of each service that has had more than one."""
    found: dict[int, int] = {}
    for number, name in snapshot.services.items():
        seen = versions_seen(snapshot, snapshot.endpoints_of(name))
        if len(seen) > 1:
            found[number] = seen[0].id
    return found


def table(data: GroupList, look: Look) -> Table:
    """One row per group."""
    columns = (
        *map(Column, ("group", "service", "type", "message", "culprit", "state", "occurrences")),
        *map(Column, ("users", "first", "last", "versions", "is_new")),
    )
    rows = [
        (
            one.group.id,
            one.service,
            one.group.type,
            one.group.message,
            one.group.culprit,
            one.status.value,
            one.occurrences,
            one.users,
            look.time_of(one.total.first_us),
            look.time_of(one.total.last_us),
            " ".join(one.versions),
            one.is_new,
        )
        for one in data.found
    ]
    return Table(columns, rows)


EXCEPTION_GROUPS = View(
    name="exceptions",
    title="Exceptions",
    description="Exceptions grouped by the place in your own code that raised them, the most "
    "frequent first. Watch what is new since the last version, and what came back after it was "
    "resolved.",
    load=load,
    table=table,
    empty="No exceptions in the selected time range. Exceptions that end a request are recorded by "
    "themselves; call otel_fmd.capture() for those that the app handles.",
    parameters=(ONLY_ENDPOINT, STATE),
)
ENDPOINT_EXCEPTIONS = View(
    name="endpoint-exceptions",
    title="Exceptions of this endpoint",
    description=EXCEPTION_GROUPS.description,
    load=load,
    table=table,
    empty="No exceptions in the selected time range.",
    parameters=(ENDPOINT, STATE),
)
