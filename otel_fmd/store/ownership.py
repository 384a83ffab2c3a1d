"""Table ownership: our tables and FMD's are recognized by their columns, not by their names.

An application may have tables called `user` or `request`, too. In a database that ignores case they
would be mistaken for ours: logins would be looked up among its customers.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, inspect

from otel_fmd.errors import SchemaError
from otel_fmd.store.store import Store

_TELLING = {"User": frozenset(["is_admin"])}
"""Nullable columns without which a table is not ours all the same."""


def is_fmd(store: Store, connection: Connection) -> bool:
    """Whether requests of the Flask Monitoring Dashboard, or ours, are in the database."""
    name = _found(store, connection).get(store.tables.request)
    return name is not None and _is_ours(store, connection, store.tables.request, name)


def refuse_strangers(store: Store, connection: Connection, *, made: bool = False) -> None:
    """Check that no table of another program has the name of one of ours.

    Args:
        store: the database.
        connection: a connection to it.
        made: whether ours exist already; those of an older version lack newer columns.

    Raises:
        SchemaError: there is one; nothing was changed.
    """
    for table, name in _found(store, connection).items():
        if not _is_ours(store, connection, table, name, made=made):
            raise SchemaError(
                f"{store.display_url} holds a table {name!r} of another program, where otel-fmd "
                f"needs its own {table.name!r}; nothing was changed. Set OTEL_FMD_TABLE_PREFIX, "
                "for example to 'fmd_', or give otel-fmd a database of its own",
                "A table of another program has the name of one of otel-fmd's: set "
                "OTEL_FMD_TABLE_PREFIX.",
            )


def _found(store: Store, connection: Connection) -> dict[Table, str]:
    """Our tables whose name is taken by a table or view, with the name of that."""
    found = inspect(connection)
    names = [*found.get_table_names(), *found.get_view_names()]
    fold = str.lower if store.database.ignores_case(connection) else str
    there = {fold(name): name for name in names}
    tables = store.tables.metadata.sorted_tables
    return {table: there[fold(table.name)] for table in tables if fold(table.name) in there}


def _is_ours(
    store: Store, connection: Connection, table: Table, name: str, *, made: bool = False
) -> bool:
    """Whether a table has every column that ours cannot be without, and none that is not ours."""
    there = {column["name"] for column in inspect(connection).get_columns(name)}
    needed = {c.name for c in table.columns if c.primary_key or not (c.nullable or made)}
    needed |= _TELLING.get(table.name.removeprefix(store.tables.prefix), frozenset())
    return needed <= there <= {column.name for column in table.columns}
