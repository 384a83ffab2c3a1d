"""The endpoints that apps have, whether or not they were ever requested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.analysis.text import fit
from otel_fmd.requests.naming import UNNAMED, EndpointNamer
from otel_fmd.requests.translator import ENDPOINT_WIDTH, SERVICE_WIDTH, VERSION_WIDTH
from otel_fmd.signals.semconv import UNKNOWN_SERVICE, UNKNOWN_VERSION
from otel_fmd.store.schema import revision_of
from otel_fmd.store.store import Store

_ATTEMPTS = 3


class UrlMaps:
    """Creates the endpoints that apps have, whether or not they are ever requested.

    Args:
        store: the database.
        rules: those that rename endpoints.
        level: their monitor level until an admin sets another.
        most: unrequested endpoints are created only up to this number per service.
    """

    def __init__(self, store: Store, rules: Sequence[str], level: int, most: int) -> None:
        self._store = store
        self._namer = EndpointNamer(rules)
        self._level = level
        self._most = most

    def add(self, service: str, version: str, endpoints: Iterable[str]) -> bool:
        """Create missing endpoints.

        Args:
            service: the service that has them.
            version: the app's version, '' when it is not known.
            endpoints: as Flask names them.

        Returns:
            False when they could not be made, for want of tables or because others make them at
            this moment: again later.

        Raises:
            StoreUnavailableError: the database cannot be reached or written.
        """
        with self._store.read() as connection:
            if revision_of(connection, self._store.tables.prefix) is None:
                return False
        for _ in range(_ATTEMPTS):
            try:
                with self._store.write() as connection:
                    self._add(connection, service, version, endpoints)
                return True
            except IntegrityError:
                # Another process of the app reported the same.
                continue
        return False

    def _add(
        self, connection: Connection, service: str, version: str, endpoints: Iterable[str]
    ) -> None:
        tables = self._store.tables
        now = datetime.now(UTC).replace(tzinfo=None)
        service = fit(service, SERVICE_WIDTH) or UNKNOWN_SERVICE
        query = select(tables.service.c.id).where(tables.service.c.name == service)
        number = connection.execute(query).scalar()
        if number is None:
            row = tables.service.insert().values(name=service, time_added=now)
            number = connection.execute(row).inserted_primary_key[0]  # type: ignore[index]
        endpoint = tables.endpoint
        mine = select(endpoint.c.name).where(endpoint.c.service_id == number)
        known = set(connection.execute(mine).scalars())
        named = map(self._namer.of_endpoint, endpoints)
        wanted = {fit(one.name, ENDPOINT_WIDTH) or UNNAMED: one.source for one in named}
        missing = sorted(wanted.keys() - known)[: max(0, self._most - len(known))]
        rows = [
            {
                "service_id": number,
                "name": name,
                "monitor_level": self._level,
                "time_added": now,
                "version_added": fit(version, VERSION_WIDTH) or UNKNOWN_VERSION,
                "name_source": wanted[name] or None,
            }
            for name in missing
        ]
        if rows:
            connection.execute(endpoint.insert(), rows)
