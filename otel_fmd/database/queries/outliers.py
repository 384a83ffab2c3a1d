"""Outliers of an endpoint, newest first, and one whole record."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import func, select

from otel_fmd.database.queries.rows import RequestRecord, request_by_id
from otel_fmd.database.queries.snapshot import Snapshot


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


def outlier_count(snapshot: Snapshot, endpoint_id: int) -> int:
    """How many outliers an endpoint has."""
    outlier = snapshot.tables.outlier.c
    query = select(func.count(outlier.id)).where(outlier.endpoint_id == endpoint_id)
    return int(snapshot.connection.execute(query).scalar_one())


def outliers(
    snapshot: Snapshot, endpoint_id: int, *, offset: int = 0, limit: int = 100
) -> list[Outlier]:
    """Outliers of an endpoint, the newest first."""
    outlier = snapshot.tables.outlier.c
    query = (
        select(snapshot.tables.outlier)
        .where(outlier.endpoint_id == endpoint_id)
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
