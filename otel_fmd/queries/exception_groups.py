"""Groups of exceptions: how often each occurred, where, for whom, and whether it is dealt with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from otel_fmd.queries.counts import one_of
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.exceptions import ALL_GRAINS, State

MINUTE_US = 60_000_000
_DAY_US = 86_400_000_000
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1_440)


class Status(StrEnum):
    """Whether a group is dealt with. `REGRESSED`: it was resolved, and occurred again."""

    UNRESOLVED = "unresolved"
    REGRESSED = "regressed"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class Group(NamedTuple):
    """A group as the table has it; merged ones are part of the one that they were merged into."""

    id: int
    service_id: int
    type: str
    message: str
    culprit: str
    first_us: int
    state: int
    state_us: int | None
    state_by: str | None
    state_detail: str | None
    after_us: int | None
    until_us: int | None
    until_count: int | None
    assignee: str | None
    note: str | None
    fingerprint: str
    merged_into: int | None


class Span(NamedTuple):
    """What a query is about: unix microseconds, half-open, in at most `parts` of equal length."""

    start_us: int
    end_us: int
    parts: int = 1

    @property
    def minutes(self) -> tuple[int, int]:
        """The first minute since 1970, and the one after the last."""
        return self.start_us // MINUTE_US, -(-self.end_us // MINUTE_US)

    @property
    def step(self) -> int:
        """The minutes of a part: a number that people count in."""
        first, end = self.minutes
        least = -(-(end - first) // self.parts)
        nice = next((step for step in _STEPS if step >= least), 0)
        return nice or -(-least // _STEPS[-1]) * _STEPS[-1]

    @property
    def number(self) -> int:
        """How many parts there are; the last one may be longer than what is left."""
        first, end = self.minutes
        return -(-(end - first) // self.step)


class Wanted(NamedTuple):
    """Which exceptions count; None: all of them."""

    service_ids: Collection[int] | None = None
    endpoint_id: int | None = None
    version_ids: Collection[int] | None = None


@dataclass(slots=True)
class GroupCounts:
    """How often a group occurred in a range: in all, by part, version and endpoint."""

    count: int = 0
    first_us: int = 2**63 - 1
    last_us: int = 0
    parts: dict[int, int] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    endpoints: dict[int, int] = field(default_factory=dict)
    version_parts: dict[tuple[int, int], int] = field(default_factory=dict)


class Total(NamedTuple):
    """All occurrences of a group: how many, the first and the last, its versions."""

    occurrences: int
    first_us: int
    last_us: int
    versions: frozenset[int]


class Groups:
    """The groups of a snapshot, and which variants belong to each."""

    def __init__(self, snapshot: Snapshot) -> None:
        tables = snapshot.tables
        columns = [tables.exception_group.c[name] for name in Group._fields]
        rows = snapshot.connection.execute(select(*columns))
        self.all = {row[0]: Group(*row) for row in rows}
        variant = tables.exception_variant.c
        pairs = snapshot.connection.execute(select(variant.id, variant.group_id))
        self.of_variant = {row.id: self.root(row.group_id) for row in pairs}

    def root(self, group_id: int) -> int:
        """The group that a group was merged into in the end; itself if it was not."""
        seen: set[int] = set()
        while group_id not in seen:
            seen.add(group_id)
            group = self.all.get(group_id)
            if group is None or group.merged_into is None:
                break
            group_id = group.merged_into
        return group_id

    def variants(self, group_ids: Collection[int]) -> list[int]:
        """The variants of groups."""
        wanted = set(group_ids)
        return [variant for variant, group in self.of_variant.items() if group in wanted]


def counts(
    snapshot: Snapshot,
    groups: Groups,
    span: Span,
    wanted: Wanted,
    variants: Sequence[int] | None = None,
) -> dict[int, GroupCounts]:
    """How often each group occurred in a range; those that did not are left out.

    A minute is the finest that is known; after three days a quarter of an hour, after 90 days a
    day.
    """
    column = snapshot.tables.exception_count.c
    first, end = span.minutes
    part = ((column.minute - first) // span.step).label("part")
    conditions: list[ColumnElement[bool]] = [column.minute >= first, column.minute < end]
    if variants is None:
        conditions.append(column.grain.in_(ALL_GRAINS))
    else:
        conditions.append(one_of(column.variant_id, variants))
    if wanted.endpoint_id is not None:
        conditions.append(column.endpoint_id == wanted.endpoint_id)
    if wanted.version_ids is not None:
        conditions.append(one_of(column.version_id, list(wanted.version_ids)))
    key = (column.variant_id, column.endpoint_id, column.version_id, part)
    query = (
        select(*key, func.sum(column.count), func.min(column.first_us), func.max(column.last_us))
        .where(*conditions)
        .group_by(*key)
    )
    found: dict[int, GroupCounts] = {}
    for row in snapshot.connection.execute(query):
        group = groups.all.get(groups.of_variant.get(row[0], 0))
        if group is None or not _is_wanted(group, wanted):
            continue
        _add(found.setdefault(group.id, GroupCounts()), row)
    return {number: one for number, one in found.items() if one.count > 0}


def _is_wanted(group: Group, wanted: Wanted) -> bool:
    return wanted.service_ids is None or group.service_id in wanted.service_ids


def _add(one: GroupCounts, row: Any) -> None:
    _, endpoint, version, part, number, first, last = row
    number, part = int(number), int(part)
    one.count += number
    one.first_us, one.last_us = min(one.first_us, first), max(one.last_us, last)
    one.parts[part] = one.parts.get(part, 0) + number
    one.versions[version] = one.versions.get(version, 0) + number
    one.endpoints[endpoint] = one.endpoints.get(endpoint, 0) + number
    cell = (version, part)
    one.version_parts[cell] = one.version_parts.get(cell, 0) + number


def totals(snapshot: Snapshot, groups: Groups, group_ids: Collection[int]) -> dict[int, Total]:
    """All occurrences of these groups, at any time."""
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for variant, version, count, first, last in _by_version(snapshot, groups, group_ids):
        row = (version, count, first, last)
        found.setdefault(groups.of_variant[variant], []).append(row)
    return {
        number: Total(
            sum(row[1] for row in rows),
            min(row[2] for row in rows),
            max(row[3] for row in rows),
            frozenset(row[0] for row in rows if row[1] > 0),
        )
        for number, rows in found.items()
    }


def statuses(
    snapshot: Snapshot, groups: Groups, group_ids: Collection[int], now_us: int
) -> dict[int, Status]:
    """Whether these groups are dealt with, now.

    Nothing is written when a resolved group occurs again: it follows from what was counted since.
    """
    found = dict.fromkeys(group_ids, Status.UNRESOLVED)
    decided = [n for n in group_ids if groups.all[n].state != State.UNRESOLVED]
    if not decided:
        return found
    rows: dict[int, list[tuple[int, int, int]]] = {}
    resolved = [n for n in decided if groups.all[n].state == State.RESOLVED]
    # The longest row is a day, which may have begun before the group was resolved.
    since_us = min((groups.all[n].state_us or 0 for n in resolved), default=0) - _DAY_US
    limited = [n for n in decided if groups.all[n].until_count is not None]
    for variant, version, count, _, last in (
        *_by_version(snapshot, groups, resolved, since_us),
        *_by_version(snapshot, groups, limited),
    ):
        rows.setdefault(groups.of_variant[variant], []).append((version, count, last))
    for number in decided:
        found[number] = _status(snapshot, groups.all[number], rows.get(number, []), now_us)
    return found


def _status(
    snapshot: Snapshot, group: Group, rows: Sequence[tuple[int, int, int]], now_us: int
) -> Status:
    """The status of a group that was resolved or ignored; rows: version, count, last time."""
    since = group.state_us or 0
    if group.state == State.RESOLVED:
        later = [version for version, _, last in rows if last > since]
        if group.after_us is not None:
            begins = version_begins(snapshot, group.service_id)
            # A version of which no request is known occurred now for the first time.
            later = [v for v in later if begins.get(v, now_us) > group.after_us]
        return Status.REGRESSED if later else Status.RESOLVED
    if group.until_us is not None and now_us >= group.until_us:
        return Status.UNRESOLVED
    total = sum(count for _, count, _ in rows)
    if group.until_count is not None and total >= group.until_count:
        return Status.UNRESOLVED
    return Status.IGNORED


def version_begins(snapshot: Snapshot, service_id: int) -> dict[int, int]:
    """When each version of a service was first seen, in unix microseconds."""
    service = snapshot.services.get(service_id)
    own = {one.id for one in snapshot.endpoints.values() if one.service == service}
    found: dict[int, int] = {}
    for (endpoint, version), (first, _) in snapshot.endpoint_versions.items():
        if endpoint in own:
            found[version] = min(first, found.get(version, first))
    return found


def _by_version(
    snapshot: Snapshot, groups: Groups, group_ids: Collection[int], since_us: int = 0
) -> list[tuple[int, int, int, int, int]]:
    """Variant, version, count, first and last time of every variant of these groups."""
    if not group_ids:
        return []
    column = snapshot.tables.exception_count.c
    key = (column.variant_id, column.version_id)
    query = (
        select(*key, func.sum(column.count), func.min(column.first_us), func.max(column.last_us))
        .where(
            one_of(column.variant_id, groups.variants(group_ids)),
            column.minute >= since_us // MINUTE_US,
        )
        .group_by(*key)
    )
    rows = snapshot.connection.execute(query)
    return [(row[0], row[1], int(row[2]), row[3], row[4]) for row in rows]


def affected(snapshot: Snapshot, groups: Groups, group_ids: Collection[int]) -> Mapping[int, int]:
    """How many users each of these groups affected, up to about a thousand."""
    column = snapshot.tables.exception_user.c
    variants = groups.variants(group_ids)
    query = select(column.variant_id, column.name).where(one_of(column.variant_id, variants))
    users: dict[int, set[str]] = {}
    for variant, name in snapshot.connection.execute(query.distinct()):
        users.setdefault(groups.of_variant[variant], set()).add(name)
    return {number: len(names) for number, names in users.items()}


def variant_counts(snapshot: Snapshot, span: Span, variants: Sequence[int]) -> dict[int, int]:
    """How often each of these variants occurred in a range."""
    column = snapshot.tables.exception_count.c
    first, end = span.minutes
    query = (
        select(column.variant_id, func.sum(column.count))
        .where(one_of(column.variant_id, variants), column.minute >= first, column.minute < end)
        .group_by(column.variant_id)
    )
    return {row[0]: int(row[1]) for row in snapshot.connection.execute(query)}


def variant_messages(snapshot: Snapshot, variants: Sequence[int]) -> dict[int, str]:
    """What each of these variants says, but for what varies."""
    column = snapshot.tables.exception_variant.c
    query = select(column.id, column.message).where(one_of(column.id, variants))
    return {row.id: row.message for row in snapshot.connection.execute(query)}
