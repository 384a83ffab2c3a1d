"""When versions were first seen: the deploys that charts mark."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from otel_fmd.analysis.rollup import HOUR_US
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot


class VersionSeen(NamedTuple):
    """A version with its first and last request, in unix microseconds."""

    id: int
    name: str
    first_us: int
    last_us: int


def versions_seen(
    snapshot: Snapshot, endpoint_ids: Collection[int] | None = None
) -> list[VersionSeen]:
    """Versions that requests of these endpoints had, the newest first."""
    times: dict[int, tuple[int, int]] = {}
    for (endpoint, version), (first, last) in snapshot.endpoint_versions.items():
        if endpoint_ids is None or endpoint in endpoint_ids:
            known = times.get(version, (first, last))
            times[version] = (min(known[0], first), max(known[1], last))
    seen = [
        VersionSeen(number, snapshot.versions.get(number, "?"), first, last)
        for number, (first, last) in times.items()
    ]
    return sorted(seen, key=lambda one: one.first_us, reverse=True)


def known_range(snapshot: Snapshot, selection: Selection) -> Selection:
    """The selection without hours before the first or after the last request of its endpoints."""
    seen = versions_seen(snapshot, selection.endpoint_ids)
    if not seen:
        return selection
    first = min(one.first_us for one in seen) // HOUR_US
    last = max(one.last_us for one in seen) // HOUR_US
    start, end = max(selection.start_hour, first), min(selection.end_hour, last + 1)
    if start >= end:
        return selection
    return Selection(start, end, selection.endpoint_ids, selection.version_ids)
