"""Requests from the future: their sender's clock is ahead."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.analysis.request_id import id_range
from otel_fmd.analysis.rollup import AHEAD_US, HOUR_US
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot

MOST = 5_000
"""Most requests that are examined."""


class FutureRequest(NamedTuple):
    """When it says that it began, naive UTC, and what the figures count it under."""

    time_requested: datetime
    endpoint_id: int
    status_code: int | None


class Future(NamedTuple):
    """Requests that begin more than five minutes from now, the nearest first, at most `MOST`."""

    requests: list[FutureRequest]

    @property
    def is_cut(self) -> bool:
        """Whether there are more."""
        return len(self.requests) == MOST

    @property
    def endpoint_ids(self) -> set[int]:
        """Whose they are."""
        return {one.endpoint_id for one in self.requests}

    def by_service(self, snapshot: Snapshot) -> list[tuple[str, int]]:
        """How many each service sent, the one with most first."""
        found: Counter[str] = Counter()
        for one in self.requests:
            endpoint = snapshot.endpoints.get(one.endpoint_id)
            if endpoint is not None:
                found[endpoint.service] += 1
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def future(snapshot: Snapshot, now_us: int, selection: Selection | None = None) -> Future:
    """What lies more than five minutes ahead of now (unix microseconds).

    Args:
        snapshot: where to look.
        now_us: now.
        selection: its endpoints and versions; None for all.
    """
    endpoints = versions = None
    if selection is not None:
        endpoints = selection.endpoint_ids
        if selection.version_ids is not None:
            versions = {snapshot.versions.get(number) for number in selection.version_ids}
    request = snapshot.tables.request.c
    lowest, highest = id_range(now_us + AHEAD_US, Selection().end_us)
    query = (
        select(
            request.time_requested,
            request.endpoint_id,
            request.status_code,
            request.version_requested,
        )
        .where(request.id >= lowest, request.id <= highest)
        .order_by(request.id)
        .limit(MOST)
    )
    return Future(
        [
            FutureRequest(*row[:3])
            for row in snapshot.connection.execute(query)
            if (endpoints is None or row.endpoint_id in endpoints)
            and (versions is None or row.version_requested in versions)
        ]
    )


def last_before(snapshot: Snapshot, endpoint_id: int, us: int) -> datetime | None:
    """When the last request of an endpoint before a moment (unix microseconds) began, naive UTC."""
    request = snapshot.tables.request.c
    lowest, _ = id_range(us, us + HOUR_US)
    query = (
        select(request.time_requested)
        .where(request.endpoint_id == endpoint_id, request.id < lowest)
        .order_by(request.id.desc())
        .limit(1)
    )
    found: datetime | None = snapshot.connection.execute(query).scalar()
    return found
