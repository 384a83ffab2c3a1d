"""The monitor level of an endpoint."""

from __future__ import annotations

from sqlalchemy import select, update

from otel_fmd.errors import ConfigurationError
from otel_fmd.store.store import Store


def store_level(store: Store, endpoint_id: int, level: int) -> None:
    """Set it, in a transaction of its own.

    Raises:
        ConfigurationError: there is no such endpoint.
    """
    endpoint = store.tables.endpoint
    with store.write() as connection:
        found = connection.execute(select(endpoint.c.id).where(endpoint.c.id == endpoint_id))
        if found.first() is None:
            raise ConfigurationError(f"there is no endpoint {endpoint_id}")
        connection.execute(
            update(endpoint).where(endpoint.c.id == endpoint_id).values(monitor_level=level)
        )
