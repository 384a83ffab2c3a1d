"""Bodies that were stored: one that is sent again, because its answer was lost, changes nothing.

Requests need none of this, because a span's id tells a repetition.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.errors import StoreUnavailableError
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_CHUNK = 400


class ReceivedBodies:
    """The digests of bodies that were stored lately.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._table = store.tables.received_body
        self._database = store.database
        self._run_many = store.database.run_many
        self._insert = Statements(store).insert(self._table, ("digest", "time_us")).statement

    def add(self, connection: Connection, digests: Iterable[str]) -> set[str]:
        """Note that these bodies are stored; returns those that already were.

        Raises:
            StoreUnavailableError: another process stores one of them at this moment; the same
                transaction finds it when it is tried again.
        """
        wanted = sorted(set(digests) - {""})
        column = self._table.c.digest
        known: set[str] = set()
        for start in range(0, len(wanted), _CHUNK):
            query = select(column).where(column.in_(wanted[start : start + _CHUNK]))
            known.update(connection.execute(query).scalars())
        now = now_us()
        new = [(digest, now) for digest in wanted if digest not in known]
        try:
            self._run_many(connection, self._insert, new)
        except IntegrityError as error:
            if not self._database.is_duplicate(error):
                raise
            raise StoreUnavailableError("another process stores the same body") from error
        return known
