"""Rows of small tables that any process may add: the first to add one wins."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.store.store import Store


def added_once(
    store: Store, table: Table, key: Mapping[str, object], values: Mapping[str, object]
) -> int:
    """The id of the row with this unique key, created with `values` if there is none.

    In transactions of its own, so that a batch never waits for another one's.
    """
    with store.read() as connection:
        found = find(connection, table, key)
    if found is not None:
        return found
    try:
        with store.write() as connection:
            result = connection.execute(table.insert().values(**key, **values))
            inserted: int = result.inserted_primary_key[0]  # type: ignore[index]
            return inserted
    except IntegrityError:
        with store.read() as connection:
            found = find(connection, table, key)
        if found is None:
            raise
        return found


def find(connection: Connection, table: Table, key: Mapping[str, object]) -> int | None:
    """The lowest id of the rows with these values; None if there is none."""
    query = select(table.c.id).order_by(table.c.id).limit(1)
    for name, value in key.items():
        query = query.where(table.c[name] == value)
    found: int | None = connection.execute(query).scalar()
    return found
