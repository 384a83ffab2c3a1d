"""What a server stored, read back."""

from __future__ import annotations

from sqlalchemy import select

from otel_fmd.store.store import Store
from tests.support.serving import Served


def requests_of(served: Served, service: str) -> list[tuple]:
    """(endpoint, status, address, user, version) of a service's requests, sorted."""
    store = Store(served.database_url)
    tables = store.tables
    with store.read() as connection:
        number = connection.execute(
            select(tables.service.c.id).where(tables.service.c.name == service)
        ).scalar_one()
        names = {
            row.id: row.name
            for row in connection.execute(
                select(tables.endpoint).where(tables.endpoint.c.service_id == number)
            )
        }
        found = connection.execute(
            select(tables.request).where(tables.request.c.endpoint_id.in_(list(names)))
        ).all()
    store.close()
    return sorted(
        (names[r.endpoint_id], r.status_code, r.ip, r.group_by or "", r.version_requested)
        for r in found
    )
