"""Endpoints by their HTTP metrics, beside what is stored of them from spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from otel_fmd.queries.http_metrics import MeasuredEndpoint, measured_endpoints
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.metrics import minutes_of
from otel_fmd.views.view import Column, Table, View


class Measured(NamedTuple):
    """Endpoints, those with the most requests first, and the length of the time in seconds.

    `stored` is the ids of endpoints with the same service and name of which spans are stored.
    """

    endpoints: Sequence[MeasuredEndpoint]
    seconds: float
    stored: dict[tuple[str, str], int]

    def __bool__(self) -> bool:
        return bool(self.endpoints)


def load(snapshot: Snapshot, look: Look) -> Measured:
    """Those of the selected service and time."""
    start_us, end_us = look.times_us()
    found = measured_endpoints(snapshot, look.service, minutes_of(look))
    stored = {(one.service, one.name): one.id for one in snapshot.endpoints.values()}
    return Measured(found, (end_us - start_us) / 1e6, stored)


def table_of(data: Measured, _look: Look) -> Table:
    """One row per endpoint."""
    columns = (
        *map(Column, ("service", "endpoint", "requests", "errors")),
        Column("rate", "1/s"),
        Column("median_ms", "ms"),
        Column("p95_ms", "ms"),
    )
    rows = [
        (
            one.service,
            one.name,
            one.requests,
            one.errors,
            one.requests / data.seconds,
            "" if one.median_ms is None else one.median_ms,
            "" if one.p95_ms is None else one.p95_ms,
        )
        for one in data.endpoints
    ]
    return Table(columns, rows)


MEASURED = View(
    name="measured-endpoints",
    title="Endpoints by metrics",
    description="What http.server.request.duration counted: every request, also of services that "
    "send no spans, or only some. Percentiles are within the buckets of its histograms.",
    load=load,
    table=table_of,
    empty="No HTTP metrics in the selected time. HTTP instrumentations of servers send them with "
    "the app's other metrics.",
)
