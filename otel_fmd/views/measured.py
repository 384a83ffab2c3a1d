"""Endpoints by their HTTP metrics, beside what is stored of them from spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from otel_fmd.queries.counts import total
from otel_fmd.queries.http_metrics import MeasuredEndpoint, measured_endpoints
from otel_fmd.queries.metrics import Minutes
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.metrics import minutes_of
from otel_fmd.views.parameters import ENDPOINT
from otel_fmd.views.view import Column, Table, View

_MINUTES = 60


class Measured(NamedTuple):
    """Endpoints, those with the most requests first, and the length of the time in seconds.

    `stored` is the ids of endpoints with the same service and name of which spans are stored.
    """

    endpoints: Sequence[MeasuredEndpoint]
    seconds: float
    stored: dict[tuple[str, str], int]

    def __bool__(self) -> bool:
        return bool(self.endpoints)


class EndpointMeasured(NamedTuple):
    """An endpoint by its metrics, and beside it what is stored of its spans, in the same hours.

    `stored` is how many requests are stored, `seconds` the length of the time.
    """

    measured: MeasuredEndpoint
    stored: int
    seconds: float

    @property
    def share(self) -> float | None:
        """The share of its requests that is stored, 0 to 1; None if it had none."""
        number = self.measured.requests
        return min(1.0, self.stored / number) if number else None


def load_one(snapshot: Snapshot, look: Look) -> EndpointMeasured | None:
    """The endpoint, if metrics of its service name it so."""
    endpoint = snapshot.endpoints.get(look.endpoint_id)
    if endpoint is None:
        return None
    start_us, end_us = look.times_us()
    # Whole hours, as its figures have them.
    hours = Selection.between(start_us, end_us)
    first, last = hours.start_hour * _MINUTES, hours.end_hour * _MINUTES
    found = measured_endpoints(snapshot, endpoint.service, Minutes(first, last, last - first))
    one = next((one for one in found if one.name == endpoint.name), None)
    if one is None:
        return None
    seconds = (min(hours.end_us, look.now_us) - hours.start_us) / 1e6
    return EndpointMeasured(one, total(snapshot, hours.of([endpoint.id])), max(1.0, seconds))


def one_table(data: EndpointMeasured | None, _look: Look) -> Table:
    """A row."""
    columns = (
        *map(Column, ("endpoint", "requests", "errors", "stored_requests")),
        Column("median_ms", "ms"),
        Column("p95_ms", "ms"),
    )
    if data is None:
        return Table(columns, [])
    one = data.measured
    row = (one.name, one.requests, one.errors, data.stored, one.median_ms or "", one.p95_ms or "")
    return Table(columns, [row])


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
ENDPOINT_MEASURED = View(
    name="endpoint-measured",
    title="By metrics",
    description="All requests of this endpoint as http.server.request.duration counted them, "
    "sampled or not, beside those that are stored from spans.",
    load=load_one,
    table=one_table,
    empty="No HTTP metrics of an endpoint with this name in the selected time.",
    parameters=(ENDPOINT,),
)
