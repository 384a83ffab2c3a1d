"""How much room a database takes, and giving back what is free in it."""

from __future__ import annotations

from otel_fmd.store.store import Store


def size_bytes(store: Store) -> int:
    """What the database takes, without room in it that is free already."""
    with store.read() as connection:
        return store.database.used_bytes(connection)


def give_back(store: Store) -> None:
    """Give free room back to the file system, some at a time."""
    store.database.give_back(store.run_alone)


def checkpoint(store: Store) -> None:
    """Write the log into the database, and empty it."""
    store.database.checkpoint(store.run_alone)
