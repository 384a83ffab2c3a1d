"""One consistent view of the database: names, rollups, and the deltas not folded yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import Connection, select

from otel_fmd.analysis.rollup import Rollup
from otel_fmd.store.delta import Columns
from otel_fmd.store.pending import pending_columns
from otel_fmd.store.point_delta import PointColumns, unpack
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables


class Endpoint(NamedTuple):
    """An endpoint.

    `last_requested` is naive UTC and may be a fold behind; `name_source` is one of
    `requests.naming.SOURCES`, '' when it is not known.
    """

    id: int
    name: str
    service: str
    monitor_level: int
    last_requested: datetime | None
    time_added: datetime | None
    name_source: str = ""

    @property
    def blueprint(self) -> str:
        """FMD's blueprint: what is before the first dot of a Flask endpoint's name."""
        method, space, _ = self.name.partition(" ")
        if space and method.isupper():
            return ""
        blueprint, dot, _ = self.name.partition(".")
        return blueprint if dot else ""


class Snapshot:
    """What one query, or several that belong together, see."""

    def __init__(self, connection: Connection, store: Store) -> None:
        self.connection = connection
        self.store = store

    @property
    def tables(self) -> Tables:
        """The tables of the database."""
        return self.store.tables

    @cached_property
    def services(self) -> dict[int, str]:
        """Service names by id."""
        service = self.tables.service.c
        rows = self.connection.execute(select(service.id, service.name).order_by(service.name))
        return {row.id: row.name for row in rows}

    @cached_property
    def endpoints(self) -> dict[int, Endpoint]:
        """Every endpoint by id."""
        endpoint = self.tables.endpoint.c
        rows = self.connection.execute(
            select(
                endpoint.id,
                endpoint.name,
                endpoint.service_id,
                endpoint.monitor_level,
                endpoint.last_requested,
                endpoint.time_added,
                endpoint.name_source,
            ).order_by(endpoint.id)
        )
        return {
            row.id: Endpoint(
                row.id,
                row.name,
                self.services.get(row.service_id, ""),
                2 if row.monitor_level is None else row.monitor_level,
                row.last_requested,
                row.time_added,
                row.name_source or "",
            )
            for row in rows
        }

    @cached_property
    def labels(self) -> dict[int, str]:
        """What endpoints are called side by side: `service: name` where services share a name."""
        known = Counter(endpoint.name for endpoint in self.endpoints.values())
        return {
            one.id: one.name if known[one.name] == 1 else f"{one.service}: {one.name}"
            for one in self.endpoints.values()
        }

    @cached_property
    def versions(self) -> dict[int, str]:
        """Version names by id."""
        version = self.tables.version.c
        return {
            row.id: row.name for row in self.connection.execute(select(version.id, version.name))
        }

    @cached_property
    def endpoint_versions(self) -> dict[tuple[int, int], tuple[int, int]]:
        """First and last request, in unix microseconds, by (endpoint id, version id)."""
        table = self.tables.endpoint_version.c
        query = select(table.endpoint_id, table.version_id, table.first_us, table.last_us)
        found = {
            (row.endpoint_id, row.version_id): (row.first_us, row.last_us)
            for row in self.connection.execute(query)
        }
        for key, (first, last) in self.pending.endpoint_versions().items():
            known = found.get(key, (first, last))
            found[key] = (min(known[0], first), max(known[1], last))
        return found

    @cached_property
    def pending_columns(self) -> list[Columns]:
        """The requests of all deltas not folded yet."""
        return list(pending_columns(self.connection, self.tables))

    @cached_property
    def pending(self) -> Rollup:
        """What those deltas add to the rollups."""
        rollup = Rollup()
        for columns in self.pending_columns:
            rollup.add(*columns[:5])
            rollup.note_seen(columns.seen)
        return rollup

    @cached_property
    def waiting_points(self) -> list[PointColumns]:
        """The points of metrics that no folder has taken yet."""
        delta = self.tables.metric_delta.c
        payloads = self.connection.execute(select(delta.payload).order_by(delta.id)).scalars()
        return [unpack(payload) for payload in payloads]

    def endpoints_of(self, service: str | None) -> list[int]:
        """Ids of the endpoints of a service; of all when it is None."""
        return [e.id for e in self.endpoints.values() if service is None or e.service == service]


class Reader:
    """Opens snapshots of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def store(self) -> Store:
        """The database that is read."""
        return self._store

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A snapshot, for as long as the block lasts."""
        with self._store.read() as connection:
            yield Snapshot(connection, self._store)
