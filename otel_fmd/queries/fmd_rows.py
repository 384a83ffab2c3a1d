"""Rows of FMD's tables with every column as FMD has it, for its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, select

from otel_fmd.queries.counts import one_of
from otel_fmd.queries.snapshot import Snapshot

Row = Mapping[str, Any] | RowMapping


def endpoint_rows(snapshot: Snapshot) -> list[RowMapping]:
    """Every endpoint, in the order of its id."""
    table = snapshot.tables.endpoint
    return list(snapshot.connection.execute(select(table).order_by(table.c.id)).mappings())


def outlier_rows(
    snapshot: Snapshot, endpoint_id: int, offset: int, limit: int
) -> list[tuple[RowMapping, RowMapping]]:
    """Outliers of an endpoint with their requests, the newest first."""
    outlier = snapshot.tables.outlier
    query = (
        select(outlier)
        .where(outlier.c.endpoint_id == endpoint_id)
        .order_by(outlier.c.request_id.desc())
        .offset(offset)
        .limit(limit)
    )
    rows = list(snapshot.connection.execute(query).mappings())
    requests = _requests(snapshot, [row["request_id"] for row in rows])
    return [(row, requests[row["request_id"]]) for row in rows if row["request_id"] in requests]


def profiled_rows(
    snapshot: Snapshot, endpoint_id: int, offset: int, limit: int
) -> list[tuple[RowMapping, list[RowMapping]]]:
    """Profiled requests of an endpoint, the newest first, with the lines of their profiles."""
    profile, line = snapshot.tables.profile.c, snapshot.tables.stack_line
    query = (
        select(profile.request_id)
        .where(profile.endpoint_id == endpoint_id)
        .order_by(profile.request_id.desc())
        .offset(offset)
        .limit(limit)
    )
    ids = list(snapshot.connection.execute(query).scalars())
    lines: dict[int, list[RowMapping]] = {}
    ordered = select(line).where(one_of(line.c.request_id, ids)).order_by(line.c.position)
    for row in snapshot.connection.execute(ordered).mappings():
        lines.setdefault(row["request_id"], []).append(row)
    requests = _requests(snapshot, ids)
    return [(requests[one], lines.get(one, [])) for one in ids if one in requests]


def code_lines(snapshot: Snapshot, ids: set[int]) -> dict[int, RowMapping]:
    """Lines of code by id."""
    code = snapshot.tables.code_line
    rows = snapshot.connection.execute(select(code).where(one_of(code.c.id, sorted(ids))))
    return {row["id"]: row for row in rows.mappings()}


def telemetry_id(snapshot: Snapshot) -> str | None:
    """The id under which an adopted FMD would have sent telemetry."""
    found: str | None = snapshot.connection.execute(
        select(snapshot.tables.telemetry_user.c.id).limit(1)
    ).scalar()
    return found


def _requests(snapshot: Snapshot, ids: list[int]) -> dict[int, RowMapping]:
    request = snapshot.tables.request
    rows = snapshot.connection.execute(select(request).where(one_of(request.c.id, ids)))
    return {row["id"]: row for row in rows.mappings()}
