"""SQL for the hot path: statements as text, made once, run with plain tuples.

SQLAlchemy's handling of parameters costs about 17 microseconds a row, the driver's own 5 to 9.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from otel_fmd.store.store import Store

_ROWS_AT_ONCE = (1024, 128, 16)


class Statements:
    """Makes statements in the dialect of one store."""

    def __init__(self, store: Store) -> None:
        self.dialect = store.dialect
        self._quote = store.engine.dialect.identifier_preparer.quote
        self._mark = "?" if self.dialect == "sqlite" else "%s"

    def name(self, table: Table) -> str:
        """A table's quoted name."""
        return self._quote(table.name)

    def columns(self, names: Sequence[str]) -> str:
        """Quoted column names, with commas."""
        return ", ".join(self._quote(name) for name in names)

    def marks(self, number: int) -> str:
        """That many placeholders, with commas."""
        return ", ".join([self._mark] * number)

    def insert(self, table: Table, columns: Sequence[str], verb: str = "INSERT") -> str:
        """`INSERT INTO table (columns) VALUES (...)`."""
        return (
            f"{verb} INTO {self.name(table)} ({self.columns(columns)}) "
            f"VALUES ({self.marks(len(columns))})"
        )

    def copy(self, table: Table, columns: Sequence[str]) -> str:
        """PostgreSQL's `COPY table (columns) FROM STDIN`."""
        return f"COPY {self.name(table)} ({self.columns(columns)}) FROM STDIN"

    def upsert(self, table: Table, columns: Sequence[str], merge: dict[str, str]) -> str:
        """An insert that merges into the row with the same primary key.

        Args:
            table: a table of ours.
            columns: all its columns, keys first.
            merge: per column that is not a key: `add`, `min`, `max` or `replace`.
        """
        keys = [column.name for column in table.primary_key]
        sets = ", ".join(self._merge(table, column, how) for column, how in merge.items())
        if self.dialect == "mariadb":
            tail = f"ON DUPLICATE KEY UPDATE {sets}"
        else:
            tail = f"ON CONFLICT ({self.columns(keys)}) DO UPDATE SET {sets}"
        return f"{self.insert(table, columns)} {tail}"

    def _merge(self, table: Table, column: str, how: str) -> str:
        mine = self._quote(column)
        if self.dialect == "mariadb":
            old, new = mine, f"VALUES({mine})"
        else:
            old, new = f"{self.name(table)}.{mine}", f"excluded.{mine}"
        least, greatest = ("min", "max") if self.dialect == "sqlite" else ("LEAST", "GREATEST")
        right = {
            "add": f"{old} + {new}",
            "min": f"{least}({old}, {new})",
            "max": f"{greatest}({old}, {new})",
            "replace": new,
        }[how]
        return f"{mine} = {right}"


def run_many(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run a statement for every row; the driver's count of changed rows."""
    if not rows:
        return 0
    place = 0
    changed = 0
    if connection.dialect.name == "sqlite" and statement.startswith("INSERT"):
        # SQLite's driver lets go of the interpreter's lock for every row of `executemany`: beside a
        # busy thread a row then costs 1.7 ms. Many rows in one statement let go once.
        limit = _most_variables() // len(rows[0])
        for size in _ROWS_AT_ONCE:
            while size <= limit and len(rows) - place >= size:
                flat = tuple(chain.from_iterable(rows[place : place + size]))
                changed += connection.exec_driver_sql(_repeated(statement, size), flat).rowcount
                place += size
    if place == len(rows):
        return changed
    return changed + connection.exec_driver_sql(statement, list(rows[place:])).rowcount


def copy_rows(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run PostgreSQL's COPY; what the driver raises comes as SQLAlchemy's own errors.

    Raises:
        DBAPIError: as `Connection.execute` does.
    """
    driver: Any = connection.connection.driver_connection
    dialect = connection.dialect
    base = dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except base as error:
        gone = dialect.is_disconnect(error, connection.connection, None)
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            base,
            connection_invalidated=gone,
            dialect=dialect,
        ) from error


@lru_cache(maxsize=256)
def _repeated(statement: str, size: int) -> str:
    """An insert of one row as an insert of so many."""
    head, _, rest = statement.partition(" VALUES (")
    marks, _, tail = rest.partition(")")
    return f"{head} VALUES {', '.join([f'({marks})'] * size)}{tail}"


@lru_cache(maxsize=1)
def _most_variables() -> int:
    with closing(sqlite3.connect(":memory:")) as connection:
        return connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
