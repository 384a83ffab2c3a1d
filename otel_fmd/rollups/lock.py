"""The row that makes processes fold, compact and recount one after the other."""

from __future__ import annotations

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.store.tables import Tables

_LOCK_ID = 1


def lock(connection: Connection, tables: Tables) -> None:
    """Wait for other transactions with this lock; on a Galera cluster all but one fail."""
    state = tables.fold_state
    statement = update(state).where(state.c.id == _LOCK_ID)
    changed = connection.execute(statement.values(generation=state.c.generation + 1))
    if changed.rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(state).values(id=_LOCK_ID, generation=1))
    except IntegrityError:
        connection.execute(statement.values(generation=state.c.generation + 1))
