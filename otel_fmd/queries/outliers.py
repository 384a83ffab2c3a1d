"""Outliers of an endpoint, newest first, and one whole record."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import func, select

from otel_fmd.analysis.outliers import OutlierLoad
from otel_fmd.queries.counts import one_of
from otel_fmd.queries.rows import RequestRecord, of_requests, request_by_id
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PERCENT = re.compile(r"percent=(\d+(?:\.\d+)?)")


class Outlier(NamedTuple):
    """An outlier with its request; texts as FMD stores them."""

    id: int
    request: RequestRecord
    url: str
    headers: str
    environment: str
    cpu_percent: str
    memory: str
    stacktrace: str
    values: str


def outlier_loads(
    snapshot: Snapshot, endpoint_id: int, selection: Selection | None = None, limit: int = 500
) -> list[OutlierLoad]:
    """CPU and memory at the newest outliers of an endpoint, where they are known."""
    outlier, request = snapshot.tables.outlier.c, snapshot.tables.request.c
    rows = snapshot.connection.execute(
        select(outlier.request_id, outlier.cpu_percent, outlier.memory)
        .where(
            outlier.endpoint_id == endpoint_id,
            *of_requests(snapshot, outlier.request_id, selection),
        )
        .order_by(outlier.request_id.desc())
        .limit(limit)
    ).all()
    times = {
        row.id: row
        for row in snapshot.connection.execute(
            select(request.id, request.time_requested, request.duration).where(
                one_of(request.id, [row.request_id for row in rows])
            )
        )
    }
    found = []
    for row in rows:
        cores, memory = _cores(row.cpu_percent or ""), _memory(row.memory or "")
        if row.request_id in times and (cores or memory is not None):
            one = times[row.request_id]
            found.append(OutlierLoad(one.time_requested, one.duration, cores, memory))
    return found


def _cores(text: str) -> list[float]:
    """FMD's column: a list of percentages in text."""
    return [float(number) for number in _NUMBER.findall(text)]


def _memory(text: str) -> float | None:
    """The percentage in psutil's `svmem(total=..., percent=...)`."""
    found = _PERCENT.search(text)
    return float(found[1]) if found else None


def outlier_count(snapshot: Snapshot, endpoint_id: int, selection: Selection | None = None) -> int:
    """How many outliers an endpoint has."""
    outlier = snapshot.tables.outlier.c
    query = select(func.count(outlier.id)).where(
        outlier.endpoint_id == endpoint_id, *of_requests(snapshot, outlier.request_id, selection)
    )
    return int(snapshot.connection.execute(query).scalar_one())


def outliers(
    snapshot: Snapshot,
    endpoint_id: int,
    selection: Selection | None = None,
    *,
    offset: int = 0,
    limit: int = 100,
) -> list[Outlier]:
    """Outliers of an endpoint, the newest first."""
    outlier = snapshot.tables.outlier.c
    query = (
        select(snapshot.tables.outlier)
        .where(
            outlier.endpoint_id == endpoint_id,
            *of_requests(snapshot, outlier.request_id, selection),
        )
        .order_by(outlier.request_id.desc())
        .offset(offset)
        .limit(limit)
    )
    rows = snapshot.connection.execute(query).all()
    found = []
    for row in rows:
        record = request_by_id(snapshot, row.request_id)
        if record is not None:
            found.append(_outlier(row, record))
    return found


def outlier_of(snapshot: Snapshot, request_id: int) -> Outlier | None:
    """The outlier record of a request, when it has one."""
    outlier = snapshot.tables.outlier
    row = snapshot.connection.execute(
        select(outlier).where(outlier.c.request_id == request_id)
    ).first()
    record = request_by_id(snapshot, request_id)
    return None if row is None or record is None else _outlier(row, record)


def _outlier(row: Any, record: RequestRecord) -> Outlier:
    def text(name: str) -> str:
        return getattr(row, name) or ""

    return Outlier(
        row.id,
        record,
        text("request_url"),
        text("request_header"),
        text("request_environment"),
        text("cpu_percent"),
        text("memory"),
        text("stacktrace"),
        text("request_values"),
    )
