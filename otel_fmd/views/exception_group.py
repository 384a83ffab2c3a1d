"""One group of exceptions, with its occurrences and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from otel_fmd.queries.exception_groups import (
    Group,
    GroupCounts,
    Groups,
    Span,
    Wanted,
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
from otel_fmd.store.exceptions import NO_ENDPOINT
from otel_fmd.views.exceptions import Figures, figures_of, span_of
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import CURSOR, LIMIT, Parameter, whole_number, whole_schema
from otel_fmd.views.view import NOTHING, Column, Table, View

_MOST_TRACES = 3
OUTSIDE = "(outside of requests)"
GROUP = Parameter(
    "group",
    "The id of a group of exceptions.",
    whole_number,
    0,
    in_path=True,
    schema=whole_schema(),
)


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


def load(snapshot: Snapshot, look: Look) -> WholeGroup | NoGroup:
    """Everything about one group; a merged one is shown as the one that it is part of."""
    groups, span = Groups(snapshot), span_of(look)
    number = groups.root(look.value(GROUP))
    if number not in groups.all:
        shown = look.parameters.get(GROUP.name, "")[:50]
        return NoGroup(f"There is no exception group {shown}; it may have been removed.")
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
        figures_of(snapshot, groups, {number: one}, status, span)[0],
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


def table(data: WholeGroup | NoGroup, look: Look) -> Table:
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


EXCEPTION_GROUP = View(
    name="exception",
    title="Exception",
    description="One group of exceptions: where it is raised, how often, in which versions, and "
    "the occurrences that were kept.",
    load=load,
    table=table,
    parameters=(GROUP, CURSOR, LIMIT),
)
