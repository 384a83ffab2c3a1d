"""Exceptions: all groups in a time range, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

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
    variant_counts,
    variant_messages,
)
from otel_fmd.queries.exception_occurrences import (
    Chain,
    Occurrence,
    Source,
    chain,
    occurrences,
    sources,
)
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.exceptions import NO_ENDPOINT
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import (
    CURSOR,
    ENDPOINT,
    LIMIT,
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
"""Parts of the selected time that sparklines and charts show, at the most."""
_MOST_TRACES = 3
MOST_USERS = 1_000
"""Users that are counted of a variant."""
OUTSIDE = "(outside of requests)"
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


class Variant(NamedTuple):
    """A variant of a group, with what tells it apart, its occurrences in the selected time."""

    id: int
    message: str
    occurrences: int


class WholeGroup(NamedTuple):
    """Everything about one group.

    `versions` are names by id, the oldest first. `chains` are the stack traces of its newest
    occurrences, by id, `sources` those of their functions; `cursor` continues the occurrences;
    `others` are groups that it can be merged into, `merged` those that were merged into it;
    `endpoints` what those that it occurred at are called.
    """

    figures: Figures
    counts: GroupCounts
    span: Span
    zone: ZoneInfo
    versions: Mapping[int, str]
    variants: Sequence[Variant]
    occurrences: Sequence[Occurrence]
    cursor: int | None
    chains: Mapping[int, Chain]
    sources: Mapping[tuple[str, int], Source]
    others: Sequence[Group]
    endpoints: Mapping[int, str]
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
    figures = _figures(snapshot, groups, {n: found[n] for n in shown}, status, span)
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
    span: Span,
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
    more = len(found) > limit
    if more:
        found.remove(min(found, key=lambda one: one.id))
    traces = {occurrence.stack_trace_id for occurrence in found[:_MOST_TRACES]}
    return WholeGroup(
        _figures(snapshot, groups, {number: one}, status, span)[0],
        one,
        span,
        look.zone,
        {n: snapshot.versions.get(n, "?") for n in sorted(one.versions)},
        _variants(snapshot, span, variants),
        found,
        min(one.id for one in found) if more else None,
        {trace: chain(snapshot, trace) for trace in sorted(traces)},
        sources(snapshot, sorted(traces)),
        _others(groups, number),
        {n: endpoint_label(snapshot, n) for n in one.endpoints},
        [group for group in groups.all.values() if group.merged_into == number],
    )


def _others(groups: Groups, number: int) -> list[Group]:
    service = groups.all[number].service_id
    return [
        group
        for group in groups.all.values()
        if group.service_id == service and group.id != number and group.merged_into is None
    ]


def endpoint_label(snapshot: Snapshot, number: int) -> str:
    """What an endpoint is called; an exception outside of requests has none."""
    return OUTSIDE if number == NO_ENDPOINT else snapshot.labels.get(number, "?")


def _variants(snapshot: Snapshot, span: Span, variants: Sequence[int]) -> list[Variant]:
    found = variant_counts(snapshot, span, variants)
    messages = variant_messages(snapshot, variants)
    made = [Variant(one, messages.get(one, ""), found.get(one, 0)) for one in variants]
    return sorted(made, key=lambda one: (-one.occurrences, one.id))


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


def group_table(data: WholeGroup | NoGroup, look: Look) -> Table:
    """One row per occurrence that was kept."""
    if isinstance(data, NoGroup):
        return NOTHING
    columns = map(Column, ("time", "type", "message", "request", "version", "user", "trace"))
    rows = [
        (
            look.time_of(one.time_us),
            one.type,
            one.message,
            "" if one.request_id is None else str(one.request_id),
            one.version,
            one.user,
            one.trace_id,
        )
        for one in data.occurrences
    ]
    return Table(tuple(columns), rows)


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
EXCEPTION_GROUP = View(
    name="exception",
    title="Exception",
    description="One group of exceptions: where it is raised, how often, in which versions, and "
    "the occurrences that were kept.",
    load=load_group,
    table=group_table,
    parameters=(GROUP, CURSOR, LIMIT),
)
