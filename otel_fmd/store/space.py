"""How much room a database takes, and giving free pages of SQLite back."""

from __future__ import annotations

from sqlalchemy import text

from otel_fmd.store.store import Store

_VACUUM_PAGES = 2_000


def size_bytes(store: Store) -> int:
    """What the database takes, without pages that are free already."""
    if store.dialect == "sqlite":
        with store.engine.connect() as connection:
            run = connection.exec_driver_sql
            pages = int(run("PRAGMA page_count").scalar_one())
            return (pages - free_pages(store)) * int(run("PRAGMA page_size").scalar_one())
    query = (
        "SELECT pg_database_size(current_database())"
        if store.dialect == "postgresql"
        else "SELECT SUM(data_length + index_length) FROM information_schema.tables "
        "WHERE table_schema = DATABASE()"
    )
    with store.read() as connection:
        return int(connection.execute(text(query)).scalar() or 0)


def free_pages(store: Store) -> int:
    """Pages that SQLite could give back; 0 where the file was not made for it."""
    with store.engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        vacuum = connection.exec_driver_sql("PRAGMA auto_vacuum").scalar_one()
    return int(found) if int(vacuum) else 0


def give_back(store: Store) -> None:
    """Give free pages of SQLite back to the file system, some at a time."""
    if store.dialect != "sqlite":
        return
    while began := free_pages(store):
        _run(store, f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        if free_pages(store) >= began:
            return


def checkpoint(store: Store) -> None:
    """Write SQLite's log into the database, and empty it."""
    if store.dialect == "sqlite":
        _run(store, "PRAGMA wal_checkpoint(TRUNCATE)")


def _run(store: Store, statement: str) -> None:
    # Outside of a transaction, which SQLAlchemy would begin.
    with store.write_lock, store.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute(statement).fetchall()
