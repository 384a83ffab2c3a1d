"""Creates and upgrades the tables, safely even if several processes start at once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table

from otel_fmd.errors import SchemaError
from otel_fmd.store.ownership import is_fmd, refuse_strangers
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_VERSION_COLUMN = "version_num"
HEAD = "0008"
"""The newest revision in `migrations/versions`."""


def version_table(prefix: str) -> str:
    """The table with our revision; not `alembic_version`, which the monitored app may use."""
    return f"{prefix}OtelFmdVersion"


def revision_of(connection: Connection, prefix: str) -> str | None:
    """Our revision in a database; None if we never created tables there."""
    name = version_table(prefix)
    found = inspect(connection)
    if not found.has_table(name):
        return None
    if [one["name"] for one in found.get_columns(name)] != [_VERSION_COLUMN]:
        raise SchemaError(
            f"the database holds a table {name!r} of another program, where otel-fmd needs its "
            "own; nothing was changed. Set OTEL_FMD_TABLE_PREFIX, for example to 'fmd_', or give "
            "otel-fmd a database of its own",
            "A table of another program has the name of one of otel-fmd's: set "
            "OTEL_FMD_TABLE_PREFIX.",
        )
    number: Any = column(_VERSION_COLUMN)
    revision: str | None = connection.execute(select(number).select_from(table(name))).scalar()
    return revision


def ensure_schema(store: Store) -> None:
    """Create or upgrade the tables; does nothing, quickly, if they are up to date.

    Raises:
        SchemaError: the tables are FMD's (`otel-fmd migrate` adopts them), of a newer version, or
            one of another program has the name of one of ours.
        StoreUnavailableError: the database cannot be reached or written.
    """
    with store.read() as connection:
        if revision_of(connection, store.tables.prefix) == HEAD:
            return
    with store.write() as connection, store.database.schema_lock(connection):
        revision = revision_of(connection, store.tables.prefix)
        if revision == HEAD:
            return
        _refuse_foreign(store, connection, revision)
        if revision is None:
            _make_all(store, connection)
        else:
            upgrade(store, connection)


def _make_version_table(connection: Connection, prefix: str) -> str:
    name = connection.dialect.identifier_preparer.quote(version_table(prefix))
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {name} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    )
    return name


def stamp(connection: Connection, prefix: str) -> None:
    """Note that the tables are at `HEAD`."""
    name = _make_version_table(connection, prefix)
    connection.exec_driver_sql(f"INSERT INTO {name} (version_num) VALUES ('{HEAD}')")


def _make_all(store: Store, connection: Connection) -> None:
    """Create all tables at once, at `HEAD`.

    A new database needs no migration, and the app that creates it needs no Alembic: its modules are
    20,000 more objects for every garbage collection. A test ensures that both ways are equal.
    """
    # First this one: if each statement is its own transaction (MariaDB), a process that finds half
    # of the tables knows that they are ours.
    _make_version_table(connection, store.tables.prefix)
    store.tables.metadata.create_all(connection)
    stamp(connection, store.tables.prefix)
    _log.info("database %s was created at schema %s", store.display_url, HEAD)


def upgrade(store: Store, connection: Connection) -> None:
    """Run the migrations up to `HEAD` on a connection in a transaction."""
    # Alembic takes 100 ms to import; a process whose tables are up to date does not need it.
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    config.attributes["tables"] = store.tables
    config.attributes["prefix"] = store.tables.prefix
    config.attributes["version_table"] = version_table(store.tables.prefix)
    command.upgrade(config, "head")
    _log.info("database %s is at schema %s", store.display_url, HEAD)


def _refuse_foreign(store: Store, connection: Connection, revision: str | None) -> None:
    if revision is not None and revision > HEAD:
        raise SchemaError(
            f"{store.display_url} is at schema {revision}, newer than {HEAD}, the newest that this "
            "version of otel-fmd knows; upgrade otel-fmd",
            "The tables are those of a newer version of otel-fmd: upgrade it here.",
        )
    refuse_strangers(store, connection, made=revision is not None)
    is_made = inspect(connection).has_table(version_table(store.tables.prefix))
    if revision is None and not is_made and is_fmd(store, connection):
        raise SchemaError(
            f"{store.display_url} holds tables of the Flask Monitoring Dashboard; "
            "make a backup, then adopt them with `otel-fmd migrate`",
            "The tables are those of the Flask Monitoring Dashboard: make a backup, then adopt "
            "them with `otel-fmd migrate`.",
        )
