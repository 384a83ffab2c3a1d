"""The monitor level of an endpoint."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from otel_fmd.errors import NotFoundError
from otel_fmd.store.tables import Tables


def store_level(
    connection: Connection, tables: Tables, endpoint_id: int, level: int
) -> tuple[str, int | None]:
    """Set it; the endpoint's name, and the level that it had.

    Raises:
        NotFoundError: there is no such endpoint.
    """
    endpoint = tables.endpoint
    row = connection.execute(
        select(endpoint.c.name, endpoint.c.monitor_level).where(endpoint.c.id == endpoint_id)
    ).first()
    if row is None:
        raise NotFoundError(f"there is no endpoint {endpoint_id}")
    connection.execute(
        update(endpoint).where(endpoint.c.id == endpoint_id).values(monitor_level=level)
    )
    return row.name, row.monitor_level
