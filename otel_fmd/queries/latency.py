"""Distributions of durations: exact from rows if there are few, else from histograms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Table, func, select

from otel_fmd.analysis.callers import OTHERS
from otel_fmd.analysis.distribution import (
    Counts,
    Distribution,
    add_packed,
    empty_counts,
    from_counts,
    from_values,
)
from otel_fmd.analysis.histogram import bucket_of
from otel_fmd.analysis.rollup import buckets_of
from otel_fmd.queries.counts import narrow, sums, total
from otel_fmd.queries.rows import time_conditions
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import known_range
from otel_fmd.signals.semconv import SWITCHING_PROTOCOLS, UNKNOWN_VERSION
from otel_fmd.store.delta import unpack
from otel_fmd.store.kinds import OTHER_ADDRESSES, OTHER_USERS, USER

EXACT_ROWS = 20_000
"""Figures come from rows if the whole query reads at most this many."""

MOST_CALLER_ROWS = 100_000
"""Most requests whose users and addresses are read from rows, for a part of the time."""

Key = tuple[int, ...]
K = TypeVar("K")


def distributions(
    snapshot: Snapshot, selection: Selection, by: Sequence[str]
) -> dict[Key, Distribution]:
    """Distributions of durations, by `endpoint_id`, `version_id`, both, or neither (`()`)."""
    if total(snapshot, selection) <= EXACT_ROWS:
        return _exact(snapshot, selection, by)
    counts = histograms(snapshot, selection, by)
    return _from_counts(counts)


class Latencies:
    """The durations of a selection by endpoint, read once: for each, for some, for all together.

    Exact from rows while there are few, else from histograms.
    """

    def __init__(self, snapshot: Snapshot, selection: Selection) -> None:
        by = ("endpoint_id",)
        self._values: dict[Key, list[float]] = {}
        self._counts: dict[Key, Counts] = {}
        if total(snapshot, selection) <= EXACT_ROWS:
            self._values = durations(snapshot, selection, by)
        else:
            self._counts = histograms(snapshot, selection, by)

    def of(self, endpoint_ids: Iterable[int]) -> Distribution | None:
        """The distribution of these endpoints' requests together; None when there are none."""
        keys = [(number,) for number in endpoint_ids]
        if self._values:
            return from_values([d for key in keys for d in self._values.get(key, ())])
        counts = empty_counts()
        for key in keys:
            if key in self._counts:
                counts += self._counts[key]
        return from_counts(counts)

    @property
    def all(self) -> Distribution | None:
        """The distribution of all requests together."""
        return self.of(number for (number,) in (self._values or self._counts))


def histograms(snapshot: Snapshot, selection: Selection, by: Sequence[str]) -> dict[Key, Counts]:
    """Counts by bucket of the selected requests, grouped like `distributions`."""
    tables = snapshot.tables
    found: dict[Key, Counts] = {}
    ranges: list[tuple[Table, int, int]] = [
        (tables.hour_histogram, start, end) for start, end in selection.edge_hours
    ]
    first, last = selection.whole_days
    if first < last:
        ranges.append((tables.day_histogram, first, last))
    for table, start, end in ranges:
        time = table.c[0]
        query = select(table.c.endpoint_id, table.c.version_id, table.c.counts).where(
            time >= start, time < end, *narrow(table, selection)
        )
        for endpoint, version, packed in snapshot.connection.execute(query):
            add_packed(_slot(found, _key(by, endpoint, version)), packed)
    for (hour, endpoint, version, bucket), count in snapshot.pending.buckets.items():
        if selection.has(hour, endpoint, version):
            _slot(found, _key(by, endpoint, version))[bucket + 1] += count
    return found


class CallerDistributions(NamedTuple):
    """Distributions by (version id, user or address).

    '' is the unknown caller, `OTHERS` those over the cap. Of `selected` requests, the newest
    `counted` are in them.
    """

    found: dict[tuple[int, str], Distribution]
    counted: int
    selected: int


def by_caller(
    snapshot: Snapshot, endpoint_id: int, kind: int, selection: Selection | None = None
) -> CallerDistributions:
    """Distributions of an endpoint's requests by version and user or address.

    All of time comes from rollups. A part of it comes from rows, the newest `MOST_CALLER_ROWS`.

    Args:
        snapshot: where to look.
        endpoint_id: the endpoint.
        kind: `fold.USER` or `fold.ADDRESS`.
        selection: its time and versions; None for all.
    """
    if selection is None or _covers(snapshot, endpoint_id, selection):
        counts = caller_counts(snapshot, endpoint_id, kind)
        wanted = None if selection is None else selection.version_ids
        found = _from_counts(
            {key: one for key, one in counts.items() if wanted is None or key[0] in wanted}
        )
        number = sum(one.count for one in found.values())
        return CallerDistributions(found, number, number)
    return _callers_of_rows(snapshot, endpoint_id, kind, selection)


def caller_distributions(
    snapshot: Snapshot, endpoint_id: int, kind: int, selection: Selection | None = None
) -> CallerDistributions:
    """The same over all selected versions together, which have the id 0 here."""
    if selection is not None and not _covers(snapshot, endpoint_id, selection):
        return _callers_of_rows(snapshot, endpoint_id, kind, selection, together=True)
    wanted = None if selection is None else selection.version_ids
    merged: dict[tuple[int, str], Counts] = {}
    for (version, name), counts in caller_counts(snapshot, endpoint_id, kind).items():
        if wanted is None or version in wanted:
            slot = _slot(merged, (0, name))
            slot += counts
    found = _from_counts(merged)
    number = sum(one.count for one in found.values())
    return CallerDistributions(found, number, number)


def _covers(snapshot: Snapshot, endpoint_id: int, selection: Selection) -> bool:
    """Whether all of an endpoint's requests lie in the selected time."""
    known = known_range(snapshot, Selection(endpoint_ids=[endpoint_id]))
    return selection.start_hour <= known.start_hour and known.end_hour <= selection.end_hour


def _callers_of_rows(
    snapshot: Snapshot,
    endpoint_id: int,
    kind: int,
    selection: Selection,
    *,
    together: bool = False,
) -> CallerDistributions:
    request = snapshot.tables.request
    conditions, in_time = time_conditions(snapshot, selection)
    numbers = {name: number for number, name in snapshot.versions.items()}
    caller = request.c.group_by if kind == USER else request.c.ip
    query = (
        select(request.c.version_requested, caller, request.c.duration, request.c.time_requested)
        .where(
            *conditions,
            request.c.endpoint_id == endpoint_id,
            request.c.status_code.is_distinct_from(SWITCHING_PROTOCOLS),
        )
        .order_by(request.c.id.desc())
        .limit(MOST_CALLER_ROWS)
    )
    if selection.version_ids is not None:
        names = [snapshot.versions.get(number, "") for number in selection.version_ids]
        query = query.where(func.coalesce(request.c.version_requested, UNKNOWN_VERSION).in_(names))
    values: dict[tuple[int, str], list[float]] = {}
    for version, name, duration, time in snapshot.connection.execute(query):
        if in_time(time):
            number = 0 if together else numbers.get(version or UNKNOWN_VERSION, 0)
            values.setdefault((number, name or ""), []).append(duration)
    found = {key: one for key, all_ in values.items() if (one := from_values(all_)) is not None}
    counted = sum(one.count for one in found.values())
    selected = sums(snapshot, selection.of([endpoint_id], selection.version_ids), ("status_code",))
    number = sum(one.number for (code,), one in selected.items() if code != SWITCHING_PROTOCOLS)
    return CallerDistributions(found, counted, number)


def slower_than(snapshot: Snapshot, selection: Selection, duration_ms: float) -> float | None:
    """The share of selected requests that were faster than a duration; None when there are none."""
    found = histograms(snapshot, selection, ()).get(())
    if found is None or not found.sum():
        return None
    bucket = bucket_of(round(duration_ms * 1e6)) + 1
    return float(found[:bucket].sum() / found.sum())


def caller_counts(snapshot: Snapshot, endpoint_id: int, kind: int) -> dict[tuple[int, str], Counts]:
    """Counts by bucket of an endpoint's requests, by version and caller, of all time."""
    caller = snapshot.tables.caller_histogram.c
    other = OTHER_USERS if kind == USER else OTHER_ADDRESSES
    found: dict[tuple[int, str], Counts] = {}
    query = select(caller.version_id, caller.kind, caller.caller, caller.counts).where(
        caller.endpoint_id == endpoint_id, caller.kind.in_((kind, other))
    )
    for version, found_kind, name, packed in snapshot.connection.execute(query):
        add_packed(_slot(found, (version, OTHERS if found_kind == other else name)), packed)
    capped = {version for version, name in found if name == OTHERS}
    _add_pending_callers(snapshot, found, endpoint_id, kind, capped)
    return found


def _add_pending_callers(
    snapshot: Snapshot,
    found: dict[tuple[int, str], Counts],
    endpoint_id: int,
    kind: int,
    capped: set[int],
) -> None:
    caller_delta = snapshot.tables.caller_delta.c
    payloads = snapshot.connection.execute(select(caller_delta.payload).order_by(caller_delta.id))
    waiting = [*snapshot.pending_columns, *(unpack(payload) for (payload,) in payloads)]
    for columns in waiting:
        if endpoint_id not in columns.endpoint_ids:
            continue
        names = columns.users if kind == USER else columns.addresses
        rows = zip(
            columns.endpoint_ids,
            columns.version_ids,
            names,
            columns.status_codes,
            buckets_of(columns.durations_ns),
            strict=True,
        )
        for endpoint, version, name, status, bucket in rows:
            if endpoint == endpoint_id and status != SWITCHING_PROTOCOLS:
                known = (version, name) in found or version not in capped
                _slot(found, (version, name if known else OTHERS))[bucket + 1] += 1


def _exact(snapshot: Snapshot, selection: Selection, by: Sequence[str]) -> dict[Key, Distribution]:
    found = durations(snapshot, selection, by)
    return {key: one for key, all_ in found.items() if (one := from_values(all_)) is not None}


def durations(
    snapshot: Snapshot, selection: Selection, by: Sequence[str]
) -> dict[Key, list[float]]:
    """Durations (ms) of the selected rows, grouped like `distributions`; for few rows only."""
    request = snapshot.tables.request
    conditions, keep = time_conditions(snapshot, selection)
    version_ids = {name: number for number, name in snapshot.versions.items()}
    query = select(
        request.c.endpoint_id,
        request.c.version_requested,
        request.c.duration,
        request.c.time_requested,
    ).where(*conditions, request.c.status_code.is_distinct_from(SWITCHING_PROTOCOLS))
    if selection.endpoint_ids is not None:
        query = query.where(*narrow(request, Selection(endpoint_ids=selection.endpoint_ids)))
    values: dict[Key, list[float]] = {}
    for endpoint, version, duration, time in snapshot.connection.execute(query):
        version_id = version_ids.get(version or UNKNOWN_VERSION, 0)
        if not keep(time):
            continue
        if selection.version_ids is not None and version_id not in selection.version_ids:
            continue
        values.setdefault(_key(by, endpoint, version_id), []).append(duration)
    return values


def _from_counts(counts: Mapping[K, Counts]) -> dict[K, Distribution]:
    return {key: one for key, all_ in counts.items() if (one := from_counts(all_)) is not None}


def _slot(found: dict[K, Counts], key: K) -> Counts:
    slot = found.get(key)
    if slot is None:
        slot = found[key] = empty_counts()
    return slot


def _key(by: Sequence[str], endpoint: int, version: int) -> Key:
    return tuple(endpoint if name == "endpoint_id" else version for name in by)
