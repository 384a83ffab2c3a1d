"""SQLite: a file with one writer, its log written ahead, every commit on the disk."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import URL, Column, Connection, Engine, Integer, MetaData, Table, event, inspect
from sqlalchemy import text as sql
from sqlalchemy.schema import CreateColumn, CreateTable

from otel_fmd.store import causes
from otel_fmd.store.engines.base import DatabaseEngine, Insert, Rows, RunAlone

_BUSY_TIMEOUT_MS = 10_000
_CHECKPOINT_PAGES = 8_000
"""Pages (32 MiB) in the log before they are copied to the file. Batches that arrive together touch
the same pages: of 1,000 pages, its default, 700 are different ones, of 8,000 only 2,200."""
_VACUUM_PAGES = 2_000
_ROWS_AT_ONCE = (1024, 128, 16)
_OWNER_ONLY, _OTHERS = 0o600, 0o007
_log = logging.getLogger(__name__)


class SqliteEngine(DatabaseEngine):
    """SQLite."""

    name = "sqlite"
    schemes = ("sqlite",)
    driver = "sqlite"
    extra = "sqlite"

    types = DatabaseEngine.types._replace(big=Integer())
    keyed_table_options = {"sqlite_with_rowid": False}
    counted_table_options = {"sqlite_autoincrement": True}
    partial_index_option = "sqlite_where"

    placeholder = "?"
    least = "min"
    greatest = "max"

    has_one_writer = True
    frees_at_once = True

    cause_texts = (
        ("unable to open database file", causes.NO_FILE),
        ("readonly database", causes.READ_ONLY),
        ("database is locked", causes.LOCKED),
        ("disk is full", causes.FULL),
        ("not a database", causes.NOT_SQLITE),
        ("malformed", causes.NOT_SQLITE),
        ("no such table", causes.NO_TABLES),
    )
    unknown_cause = ""
    duplicate_codes = frozenset(
        [sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE]
    )
    driver_errors = (sqlite3.OperationalError,)

    def checked_url(self, url: URL) -> URL:
        """It names a file."""
        if url.database in (None, "", ":memory:"):
            raise ValueError(
                "a file is needed, for example sqlite:///fmd.db; an in-memory database cannot be "
                "shared"
            )
        return url

    def file_path(self, url: URL) -> str | None:
        """The database itself."""
        return os.path.abspath(url.database or "")

    def engine_options(self) -> dict[str, Any]:
        """It waits for the writer before us."""
        return {"connect_args": {"timeout": _BUSY_TIMEOUT_MS / 1000}}

    def prepare(self, engine: Engine) -> None:
        """Connections get their settings; transactions begin as `for_writing` says.

        A new file is for its owner alone: SQLite gives its log and index the same mode.
        """
        event.listen(engine, "do_connect", _create_for_owner)
        event.listen(engine, "first_connect", _warn_of_others)
        event.listen(engine, "connect", _prepare_connection)
        event.listen(engine, "begin", _begin)

    def for_reading(self, connection: Connection) -> Connection:
        """Every transaction is a snapshot."""
        return connection

    def for_writing(self, connection: Connection, *, snapshot: bool) -> Connection:
        """It takes the write lock at its begin: a snapshot that is old could not become one."""
        return connection.execution_options(fmd_begin="BEGIN IMMEDIATE")

    def code_of(self, error: BaseException | None) -> str | int | None:
        """SQLite's extended result code."""
        return getattr(error, "sqlite_errorcode", None)

    def more_about(self, cause: str, url: URL) -> str:
        """Why the file cannot be opened, as far as its folder shows."""
        path = self.file_path(url)
        if cause != causes.NO_FILE or path is None:
            return ""
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            return f"the folder {folder} does not exist; create it: mkdir -p {folder}"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"this process may not write to the folder {folder}"
        if os.path.isdir(path):
            return f"{path} is a folder; a file is needed"
        return ""

    def run_many(self, connection: Connection, statement: str, rows: Rows) -> int:
        """Many rows in one statement.

        SQLite's driver releases the interpreter's lock for every row of `executemany`: next to a
        busy thread, a row then costs 1.7 ms. Many rows in one statement release it once.
        """
        place = changed = 0
        if rows and statement.startswith("INSERT"):
            limit = _most_variables() // len(rows[0])
            for size in _ROWS_AT_ONCE:
                while size <= limit and len(rows) - place >= size:
                    flat = tuple(chain.from_iterable(rows[place : place + size]))
                    changed += connection.exec_driver_sql(_repeated(statement, size), flat).rowcount
                    place += size
        return changed + super().run_many(connection, statement, rows[place:])

    def insert_new(self, connection: Connection, insert: Insert, rows: Rows) -> bool:
        """What was there is left out, and counted."""
        statement = insert.statement.replace("INSERT", "INSERT OR IGNORE", 1)
        return self.run_many(connection, statement, rows) == len(rows)

    def used_bytes(self, connection: Connection) -> int:
        """Without pages that `give_back` will give back."""
        pages = _number(connection, "page_count")
        free = _number(connection, "freelist_count") if _number(connection, "auto_vacuum") else 0
        return (pages - free) * _number(connection, "page_size")

    def disk_bytes(self, connection: Connection, url: URL) -> int:
        """The file and its log."""
        files = (f"{self.file_path(url)}{ending}" for ending in ("", "-wal"))
        return sum(os.path.getsize(file) for file in files if os.path.exists(file))

    def give_back(self, run_alone: RunAlone) -> None:
        """Some pages at a time, in files that were made for it."""
        if not run_alone("PRAGMA auto_vacuum")[0][0]:
            return
        while free := run_alone("PRAGMA freelist_count")[0][0]:
            run_alone(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            if run_alone("PRAGMA freelist_count")[0][0] >= free:
                return

    def checkpoint(self, run_alone: RunAlone) -> None:
        """The log into the file."""
        run_alone("PRAGMA wal_checkpoint(TRUNCATE)")

    def ignores_case(self, connection: Connection) -> bool:
        """Always."""
        return True

    def loosen(self, connection: Connection, metadata: MetaData, renewed: Table) -> None:
        """SQLite cannot drop a constraint: the small table is recreated."""
        quote = connection.dialect.identifier_preparer.quote
        there = [column["name"] for column in inspect(connection).get_columns(renewed.name)]
        shared = ", ".join(quote(c.name) for c in renewed.columns if c.name in there)
        old, new = quote(renewed.name), quote(f"{renewed.name}_new")
        made = str(CreateTable(renewed).compile(connection))
        for statement in (
            "PRAGMA legacy_alter_table = ON",
            made.replace(f"CREATE TABLE {old}", f"CREATE TABLE {new}", 1),
            f"INSERT INTO {new} ({shared}) SELECT {shared} FROM {old}",
            f"DROP TABLE {old}",
            f"ALTER TABLE {new} RENAME TO {old}",
            "PRAGMA legacy_alter_table = OFF",
        ):
            connection.execute(sql(statement))

    def tighten(self, connection: Connection, metadata: MetaData, renewed: Table) -> None:
        """Nothing was removed."""

    def change_columns(
        self,
        connection: Connection,
        table: Table,
        added: Sequence[Column[Any]],
        kept: Sequence[Column[Any]],
    ) -> None:
        """A column holds values of any type: types stay."""
        for column in added:
            words = CreateColumn(column).compile(dialect=connection.dialect)
            self._alter(connection, table, [f"ADD COLUMN {words}"])

    def after_adoption(self, run_alone: RunAlone) -> None:
        """Rewrite the file, so that the space of deleted rows can be returned later."""
        run_alone("PRAGMA auto_vacuum = INCREMENTAL")
        run_alone("VACUUM")


def _number(connection: Connection, pragma: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())


def _create_for_owner(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    """Create the file before SQLite does; what prevents that, SQLite will report."""
    with suppress(OSError):
        os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY))


def _warn_of_others(dbapi_connection: Any, _record: Any) -> None:
    path = dbapi_connection.execute("PRAGMA database_list").fetchone()[2]
    if os.name == "posix" and path and os.stat(path).st_mode & _OTHERS:
        _log.warning(
            "%s is open to every user of this machine, with what was recorded of requests: "
            "chmod o= %s*",
            path,
            path,
        )


def _prepare_connection(dbapi_connection: Any, _record: Any) -> None:
    # Transactions are begun by us, see _begin.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    if cursor.execute("PRAGMA page_count").fetchone()[0] == 0:
        # In a new file only (elsewhere it would wait for the writer, for nothing): space of pruned
        # rows can then be given back.
        cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _use_wal(cursor)
    # An acknowledged batch survives a power cut, not only a crash of the process.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    cursor.execute("PRAGMA cache_size = -4000")
    cursor.execute("PRAGMA journal_size_limit = 67108864")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Turn the write-ahead log on; it stays on in the file.

    SQLite does not wait for this lock by itself: processes that open a new file at once find it
    "locked".
    """
    deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("fmd_begin", "BEGIN"))


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


ENGINE = SqliteEngine()
