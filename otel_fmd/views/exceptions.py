"""Exceptions: all groups in a time range, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from otel_fmd.ingest_limits import MOST_USERS
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
from otel_fmd.queries.exception_occurrences import Chain, Occurrence, chain, occurrences
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.exceptions import NO_ENDPOINT
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import (
    CURSOR,
    ENDPOINT,
    LIMIT,
    MOST,
    ONLY_ENDPOINT,
    Parameter,
    one_of,
    one_schema,
    whole_number,
    whole_schema,
)
from otel_fmd.views.view import NOTHING, Column, Table, View

MOST_GROUPS = 500
PARTS = 40
"""Parts of the selected time that sparklines and charts show."""
_MOST_NAMES = 3
OPEN, ALL = "open", "all"
_STATES = (OPEN, *(one.value for one in Status), ALL)
STATE = Parameter(
    "state",
    "`open`: groups that are unresolved or regressed; or groups of one state; or `all`.",
    one_of(*_STATES),
    OPEN,
    schema=one_schema(*_STATES),
)
GROUP = Parameter(
    "group",
    "The id of a group of exceptions.",
    whole_number,
    0,
    in_path=True,
    schema=whole_schema(),
)
OUTSIDE = "(outside of requests)"


class Figures(NamedTuple):
    """A group in the selected time.

    `count`, `parts` and `versions` (names, with counts, the newest first) are of that time; `total`
    of all time. `users`: how many were affected, of all time, at most about 1,000. `is_new`: it has
    occurred in the newest version of its service only. `endpoints`: ids with counts.
    """

    group: Group
    service: str
    status: Status
    count: int
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


class Variant(NamedTuple):
    """A variant of a group, with what tells it apart, its occurrences in the selected time."""

    id: int
    message: str
    count: int


class WholeGroup(NamedTuple):
    """Everything about one group.

    `chains` and `functions` are of the stack traces of the occurrences, by id; `cursor` continues
    the occurrences; `merged` are the groups that were merged into it.
    """

    figures: Figures
    counts: GroupCounts
    span: Span
    variants: Sequence[Variant]
    occurrences: Sequence[Occurrence]
    cursor: int | None
    chains: Mapping[int, Chain]
    merged: Sequence[Group]


class NoGroup(NamedTuple):
    """Why the group cannot be shown, as text; false."""

    reason: str

    def __bool__(self) -> bool:
        return False


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
    figures = _figures(snapshot, groups, {n: found[n] for n in shown}, status)
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


def _figures(
    snapshot: Snapshot,
    groups: Groups,
    found: Mapping[int, GroupCounts],
    status: Mapping[int, Status],
) -> list[Figures]:
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
                [one.parts.get(part, 0) for part in range(PARTS)],
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


def load_group(snapshot: Snapshot, look: Look) -> WholeGroup | NoGroup:
    """Everything about one group; a merged one is shown as the one that it is part of."""
    groups, span = Groups(snapshot), span_of(look)
    number = groups.root(look.value(GROUP))
    if number not in groups.all:
        return NoGroup(f"There is no exception group {number}; it may have been removed.")
    variants = groups.variants([number])
    one = counts(snapshot, groups, span, Wanted(), variants).get(number, GroupCounts())
    total = totals(snapshot, groups, [number])
    if number not in total:
        return NoGroup(f"Exception group {number} has no occurrences; they may have been pruned.")
    status = statuses(snapshot, groups, [number], look.now_us)
    limit = look.value(LIMIT)
    found = occurrences(snapshot, variants, before=look.value(CURSOR), limit=limit + 1)
    more, found = len(found) > limit, found[:limit]
    traces = {occurrence.stack_trace_id for occurrence in found[:_MOST_NAMES]}
    return WholeGroup(
        _figures(snapshot, groups, {number: one}, status)[0],
        one,
        span,
        _variants(snapshot, groups, span, variants),
        found,
        found[-1].id if more else None,
        {trace: chain(snapshot, trace) for trace in sorted(traces)},
        [group for group in groups.all.values() if group.merged_into == number],
    )


def endpoint_name(snapshot_labels: Mapping[int, str], number: int) -> str:
    """What an endpoint is called; exceptions outside of requests have none."""
    return OUTSIDE if number == NO_ENDPOINT else snapshot_labels.get(number, "?")
