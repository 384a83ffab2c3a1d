"""Monitor levels of endpoints."""

from __future__ import annotations

from sqlalchemy import select, update

from otel_fmd.errors import ConfigurationError
from otel_fmd.store.store import Store

LEVELS = (0, 1, 2, 3)


def set_monitor_level(store: Store, endpoint_id: int, level: int) -> None:
    """Set an endpoint's monitor level; writers take it over within seconds.

    Raises:
        ConfigurationError: no such level or endpoint.
    """
    if level not in LEVELS:
        raise ConfigurationError(f"monitor level {level}: expected one of 0, 1, 2, 3")
    endpoint = store.tables.endpoint
    with store.write() as connection:
        found = connection.execute(select(endpoint.c.id).where(endpoint.c.id == endpoint_id))
        if found.first() is None:
            raise ConfigurationError(f"there is no endpoint {endpoint_id}")
        connection.execute(
            update(endpoint).where(endpoint.c.id == endpoint_id).values(monitor_level=level)
        )
