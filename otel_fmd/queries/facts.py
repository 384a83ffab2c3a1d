"""What a database holds: rows, size, first request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import func, select

from otel_fmd.queries.counts import total
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.settings import ADOPTED_AT, get_setting


class DatabaseFacts(NamedTuple):
    """Rows by kind, bytes on disk, and the first request (naive UTC)."""

    rows: dict[str, int]
    size_bytes: int
    first_request: datetime | None


def database_facts(snapshot: Snapshot) -> DatabaseFacts:
    """The facts; requests are counted from the rollups."""
    tables, store = snapshot.tables, snapshot.store
    counts = {
        "requests": total(snapshot, Selection()),
        "endpoints": len(snapshot.endpoints),
        "versions": len(snapshot.versions),
    }
    for name, table in (
        ("outliers", tables.outlier),
        ("profiles", tables.profile),
        ("deltas waiting", tables.delta),
        ("log records", tables.log_record),
        ("metrics", tables.metric),
        ("series of metrics", tables.metric_series),
    ):
        query = select(func.count()).select_from(table)
        counts[name] = int(snapshot.connection.execute(query).scalar_one())
    seen = versions_seen(snapshot)
    first = None
    if seen:
        first_us = min(one.first_us for one in seen)
        first = datetime.fromtimestamp(first_us / 1e6, UTC).replace(tzinfo=None)
    return DatabaseFacts(counts, store.database.disk_bytes(snapshot.connection, store.url), first)


def adopted_us(snapshot: Snapshot) -> int | None:
    """When a database of FMD was adopted, in unix microseconds; None when it never was."""
    found = get_setting(snapshot.connection, snapshot.tables, ADOPTED_AT)
    return None if found is None else int(found)
