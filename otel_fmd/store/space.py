"""How much space a database takes, and returning free space."""

from __future__ import annotations

from otel_fmd.store.store import Store


def size_bytes(store: Store) -> int:
    """Space that the database uses, without free space in it."""
    with store.read() as connection:
        return store.database.used_bytes(connection)


def give_back(store: Store) -> None:
    """Return free space to the file system, a part at a time."""
    store.database.give_back(store.run_alone)


def checkpoint(store: Store) -> None:
    """Write the log into the database, and empty it."""
    store.database.checkpoint(store.run_alone)
