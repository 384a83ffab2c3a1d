"""Exemplars of metrics, and the requests in which they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.queries.rows import RequestRecord, request_of_span
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.point_delta import StoredExemplar, unpack_exemplars

_HOUR_NS = 3_600_000_000_000
_MOST_LINKED = 12


class LinkedExemplar(NamedTuple):
    """A measurement: when (unix microseconds), its value, and its request if that is stored."""

    time_us: int
    value: float
    trace_id: str
    request: RequestRecord | None


def exemplars(
    snapshot: Snapshot,
    metric_id: int,
    series_ids: Sequence[int],
    start_us: int,
    end_us: int,
) -> list[LinkedExemplar]:
    """Those with the largest values of some series in a time range, at most a dozen."""
    table, wanted = snapshot.tables.metric_exemplar.c, set(series_ids)
    query = select(table.series_id, table.payload).where(
        table.hour >= start_us * 1000 // _HOUR_NS,
        table.hour <= end_us * 1000 // _HOUR_NS,
        table.metric_id == metric_id,
    )
    found: set[StoredExemplar] = set()
    for series, packed in snapshot.connection.execute(query):
        if series in wanted:
            found.update(unpack_exemplars(packed))
    for columns in snapshot.waiting_points:
        found.update(one for one in columns.exemplars if one.series_id in wanted)
    inside = [one for one in found if start_us * 1000 <= one.time_ns < end_us * 1000]
    largest = sorted(inside, key=lambda one: (-one.value, one.time_ns))[:_MOST_LINKED]
    return [
        LinkedExemplar(
            one.time_ns // 1000,
            one.value,
            one.trace_id.hex(),
            request_of_span(snapshot, one.trace_id, one.span_id, one.time_ns // 1000),
        )
        for one in largest
    ]
