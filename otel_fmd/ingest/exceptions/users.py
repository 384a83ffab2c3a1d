"""Which users an exception affected: each once, as far as this process knows."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store

MOST_USERS = 1_000
"""Users that are kept of a variant; pages then say "1,000 or more"."""
_MOST_VARIANTS = 2_000


class ExceptionUsers:
    """Appends users to variants; several processes may append the same one.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._table = store.tables.exception_user
        self._run_many = store.database.run_many
        self._insert = Statements(store).insert(self._table, ("variant_id", "name")).statement
        self._known: dict[int, set[str]] = {}
        self._pending: list[tuple[int, str]] = []

    def forget(self) -> None:
        """Read them again."""
        self._known = {}

    def write(self, connection: Connection, affected: Iterable[tuple[int, str | None]]) -> None:
        """Add the users that a variant was not known to affect."""
        self._pending = []
        for variant_id, user in sorted({(v, u) for v, u in affected if u}):
            known = self._of(connection, variant_id)
            if user not in known and len(known) < MOST_USERS:
                self._pending.append((variant_id, user))
        self._run_many(connection, self._insert, self._pending)

    def committed(self) -> None:
        """Remember what the last `write` added."""
        for variant_id, user in self._pending:
            self._known.setdefault(variant_id, set()).add(user)
        self._pending = []

    def _of(self, connection: Connection, variant_id: int) -> set[str]:
        found = self._known.get(variant_id)
        if found is None:
            if len(self._known) >= _MOST_VARIANTS:
                self._known.clear()
            column = self._table.c
            query = select(column.name).where(column.variant_id == variant_id).distinct()
            found = set(connection.execute(query.limit(MOST_USERS)).scalars())
            self._known[variant_id] = found
        return found
