"""What an agent starts from: each endpoint's monitor level and how long its requests took."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from otel_fmd.queries.counts import one_of
from otel_fmd.store.schema import revision_of
from otel_fmd.store.store import Store


@dataclass(frozen=True, slots=True)
class EndpointSeed:
    """An endpoint's monitor level, and the number and total duration (ns) of its requests."""

    level: int
    count: int
    sum_ns: int


def endpoint_seeds(store: Store, service: str) -> dict[str, EndpointSeed]:
    """What an agent of a service starts from, by endpoint; empty before there are tables."""
    tables = store.tables
    with store.read() as connection:
        if revision_of(connection, tables.prefix) is None:
            return {}
        endpoint, days = tables.endpoint.c, tables.day_count.c
        number = connection.execute(
            select(tables.service.c.id).where(tables.service.c.name == service)
        ).scalar()
        rows = connection.execute(
            select(endpoint.id, endpoint.name, endpoint.monitor_level).where(
                endpoint.service_id == number
            )
        ).all()
        sums = {
            row[0]: (int(row[1]), int(row[2]))
            for row in connection.execute(
                select(days.endpoint_id, func.sum(days.count), func.sum(days.sum_ns))
                .where(one_of(days.endpoint_id, [row.id for row in rows]))
                .group_by(days.endpoint_id)
            )
        }
    return {
        row.name: EndpointSeed(row.monitor_level, *sums.get(row.id, (0, 0)))
        for row in rows
        if row.monitor_level is not None
    }
