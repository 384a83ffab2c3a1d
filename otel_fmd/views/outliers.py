"""Outliers of an endpoint, and how busy the machine was at the time."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.analysis.outliers import OutlierLoad
from otel_fmd.queries import outliers as queries
from otel_fmd.queries.outliers import Outlier
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ENDPOINT, PAGE
from otel_fmd.views.view import Column, Table, View

PER_PAGE = 100
_NO_LOAD = (
    "CPU and memory are recorded by the agent in the monitored app if psutil is installed there: "
    "call otel_fmd.instrument(app)."
)


class Outliers(NamedTuple):
    """A page of outliers, of `total`, and the name of their endpoint."""

    found: list[Outlier]
    page: int
    total: int
    endpoint: str


def load(snapshot: Snapshot, look: Look) -> Outliers | None:
    """A page of them, the newest first."""
    selection, page = look.selection(snapshot), look.value(PAGE)
    found = queries.outliers(
        snapshot, look.endpoint_id, selection, offset=page * PER_PAGE, limit=PER_PAGE
    )
    if not found:
        return None
    total = queries.outlier_count(snapshot, look.endpoint_id, selection)
    endpoint = snapshot.endpoints.get(look.endpoint_id)
    return Outliers(found, page, total, "?" if endpoint is None else endpoint.name)


def table(data: Outliers | None, look: Look) -> Table:
    """One row per outlier."""
    columns = (
        *map(Column, ("request", "time")),
        Column("duration_ms", "ms"),
        *map(Column, ("version", "user", "ip", "status_code", "url")),
    )
    rows = [
        (
            str(one.request.id),
            look.time_text(one.request.time_requested),
            one.request.duration,
            one.request.version,
            one.request.group_by or "",
            one.request.ip,
            one.request.status_code or "",
            one.url,
        )
        for one in ([] if data is None else data.found)
    ]
    return Table(columns, rows)


def load_machine(snapshot: Snapshot, look: Look) -> list[OutlierLoad]:
    """CPU and memory at the newest outliers."""
    return queries.outlier_loads(snapshot, look.endpoint_id, look.selection(snapshot))


def machine_table(data: list[OutlierLoad], look: Look) -> Table:
    """One row per outlier."""
    rows = [
        (
            look.time_text(one.time_requested),
            one.duration_ms,
            one.memory_percent,
            *(f"{value:g}" for value in one.cpu_percent),
        )
        for one in data
    ]
    cores = max((len(one.cpu_percent) for one in data), default=0)
    columns = (
        Column("time"),
        Column("duration_ms", "ms"),
        Column("memory_percent", "%"),
        *(Column(f"core_{number}_percent", "%") for number in range(cores)),
    )
    return Table(columns, rows)


OUTLIERS = View(
    name="outliers",
    title="Outliers, newest first",
    description="Requests that took much longer than is usual for the endpoint.",
    load=load,
    table=table,
    empty="No outliers in the selected time range. A request is an outlier if it takes more than "
    "2.5 times the endpoint's mean duration, once 30 requests are known. The endpoint's monitor "
    "level must be 2 or 3.",
    parameters=(ENDPOINT, PAGE),
)
OUTLIER_LOADS = View(
    name="outlier-loads",
    title="CPU and memory at outliers",
    description="How busy each core was, and how much memory was in use, when a request was slow.",
    load=load_machine,
    table=machine_table,
    empty=_NO_LOAD,
    parameters=(ENDPOINT,),
)
