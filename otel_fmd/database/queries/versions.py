"""When versions were first seen: the deploys that charts mark."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.database.queries.snapshot import Snapshot


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
    table = snapshot.tables.endpoint_version.c
    query = select(table.endpoint_id, table.version_id, table.first_us, table.last_us)
    found = [
        (row.endpoint_id, row.version_id, row.first_us, row.last_us)
        for row in snapshot.connection.execute(query)
    ]
    found += [(*key, *span) for key, span in snapshot.pending.endpoint_versions().items()]
    for endpoint, version, first, last in found:
        if endpoint_ids is None or endpoint in endpoint_ids:
            known = times.get(version, (first, last))
            times[version] = (min(known[0], first), max(known[1], last))
    seen = [
        VersionSeen(number, snapshot.versions.get(number, "?"), first, last)
        for number, (first, last) in times.items()
    ]
    return sorted(seen, key=lambda one: one.first_us, reverse=True)
