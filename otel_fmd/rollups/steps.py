"""What every fold does: see whether something waits, hold the lock, take exactly what it read."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables

_log = logging.getLogger(__name__)
_CHUNK = 400


def waits(store: Store, table: Table, most: int, older_than_s: float) -> bool:
    """Whether a delta is older than that, or `most` of them are there."""
    with store.read() as connection:
        query = select(table.c.created_us).order_by(table.c.id).limit(1)
        created_us = connection.execute(query).scalar()
        if created_us is None:
            return False
        # A clock that is behind its writer's is no reason to wait.
        if not 0 <= time.time() - created_us / 1e6 < older_than_s:
            return True
        ids = select(table.c.id).limit(most).subquery()
        return int(connection.execute(select(func.count()).select_from(ids)).scalar_one()) >= most


def hold_lock(connection: Connection, tables: Tables, number: int) -> None:
    """Make folds wait for each other; on a Galera cluster all but one fail certification."""
    state = tables.fold_state
    statement = update(state).where(state.c.id == number)
    changed = connection.execute(statement.values(generation=state.c.generation + 1))
    if changed.rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(state).values(id=number, generation=1))
    except IntegrityError:
        connection.execute(statement.values(generation=state.c.generation + 1))


def oldest(connection: Connection, table: Table, most: int) -> tuple[list[int], list[bytes]]:
    """Ids and payloads of the oldest deltas."""
    rows = connection.execute(
        select(table.c.id, table.c.payload).order_by(table.c.id).limit(most)
    ).all()
    return [row.id for row in rows], [row.payload for row in rows]


def delete_exactly(connection: Connection, table: Table, ids: Sequence[int]) -> bool:
    """Delete exactly these rows; whether all of them were still there."""
    removed = 0
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        removed += connection.execute(delete(table).where(table.c.id.in_(chunk))).rowcount
    if removed != len(ids):
        _log.debug("another process folded the same deltas")
        return False
    return True
