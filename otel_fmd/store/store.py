"""A database that is open: its engine, its tables, and the three kinds of transaction.

* `read()` - a snapshot: every statement in it sees the same state, and no writer waits for it.
* `write()` - a short transaction; on SQLite it takes the write lock at its begin.
* both turn the driver's errors into ours where a caller can do something about them.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from otel_fmd.errors import ConfigurationError, StoreUnavailableError
from otel_fmd.forks import on_fork
from otel_fmd.store.causes import AWAY, CURABLE, NO_FILE, cause_of, missing_folder
from otel_fmd.store.tables import Tables, build_tables

_BUSY_TIMEOUT_MS = 10_000
_CHECKPOINT_PAGES = 8_000
"""Pages (32 MiB) in SQLite's log before they are copied to the file. Batches that arrive together
touch the same pages: of 1,000 pages, its default, 700 are different ones, of 8,000 only 2,200."""
_POOL_SIZE = 16
_DRIVERS = {
    "sqlite": ("sqlite", None),
    "postgresql": ("postgresql+psycopg", "postgresql"),
    "postgres": ("postgresql+psycopg", "postgresql"),
    "mysql": ("mysql+pymysql", "mariadb"),
    "mariadb": ("mariadb+pymysql", "mariadb"),
}
_CREDENTIALS = re.compile(r"([a-zA-Z0-9+]+://)([^:/@]*):(.*)@([^@]*)")
_PASSWORD = re.compile(r"^((?:[\w+.-]*+:?//)?+[^:/@]*+:).*@")
_QUERY_PASSWORD = re.compile(r"([?&](?:\w*passw\w*|pwd)=)[^&]*", re.IGNORECASE)


def hidden(database_url: str) -> str:
    """A database URL, or what should be one, without its password."""
    shown = _PASSWORD.sub(r"\1***@", database_url)
    return _QUERY_PASSWORD.sub(r"\1***", shown)


def parse_url(database_url: str) -> URL:
    """A database URL with the driver that we use, whichever it names.

    Raises:
        ConfigurationError: it is no URL of SQLite (a file), PostgreSQL, MySQL or MariaDB.
    """
    try:
        url = make_url(_quoted_password(database_url.strip()))
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"database URL {hidden(database_url)!r} is not a URL; expected for example "
            "sqlite:///fmd.db or postgresql://user:password@host/database"
        ) from None
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        expected = ", ".join(_DRIVERS)
        raise ConfigurationError(
            f"database URL {hidden(database_url)!r}: {backend!r} is not one of {expected}"
        )
    # An application's own URL may name a driver such as psycopg2 or mysqldb: the database is the
    # same, and we bring a driver.
    url = url.set(drivername=_DRIVERS[backend][0])
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigurationError(
            f"database URL {database_url!r}: a file is needed, for example sqlite:///fmd.db; "
            "an in-memory database cannot be shared"
        )
    if backend in ("mysql", "mariadb"):
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def _quoted_password(database_url: str) -> str:
    """A URL whose password has its `@`, `/` and `:` escaped: it ends at the last `@`."""
    found = _CREDENTIALS.fullmatch(database_url)
    if found is None:
        return database_url
    scheme, user, password, rest = found.groups()
    return f"{scheme}{user}:{quote(password, safe='%')}@{rest}"


class Store:
    """An open database.

    Args:
        database_url: see `parse_url`.
        table_prefix: FMD's TABLE_PREFIX.

    Raises:
        ConfigurationError: the URL cannot be used, or its driver is not installed.
    """

    def __init__(self, database_url: str, table_prefix: str = "") -> None:
        self.url = parse_url(database_url)
        self.dialect = _family(self.url)
        self.tables: Tables = build_tables(table_prefix)
        self.engine = self._create_engine()
        # One writer at a time in this process: SQLite's own lock is not fair between threads.
        self.write_lock = threading.RLock()
        on_fork(self.after_fork)

    @property
    def display_url(self) -> str:
        """The URL with its password hidden."""
        return hidden(self.url.render_as_string(hide_password=True))

    @property
    def sqlite_path(self) -> str | None:
        """The database's file, for SQLite."""
        return os.path.abspath(self.url.database or "") if self.dialect == "sqlite" else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a snapshot that is not changed by concurrent writers."""
        with self._errors(), self.engine.connect() as connection:
            if self.dialect != "sqlite":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end and undoes itself on an error.

        Args:
            snapshot: all its statements see one state, as in `read`.
        """
        with self._errors(), self._writer(), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection = connection.execution_options(fmd_begin="BEGIN IMMEDIATE")
            elif snapshot:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()

    def after_fork(self) -> None:
        """Forget the parent's connections and locks without touching them, in a forked child."""
        self.engine.dispose(close=False)
        self.write_lock = threading.RLock()

    @contextmanager
    def _writer(self) -> Iterator[None]:
        if self.dialect == "sqlite":
            with self.write_lock:
                yield
        else:
            yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise self._unavailable(error.orig) from error
        except PoolTimeoutError as error:
            raise self._unavailable(error) from error
        except DBAPIError as error:
            gone = error.connection_invalidated or is_transient(error)
            if gone or cause_of(error.orig) in CURABLE:
                raise self._unavailable(error.orig) from error
            raise
        except sqlite3.OperationalError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException | None) -> StoreUnavailableError:
        """The error with its cause and cure: in the log with address and path, for all without."""
        cause = cause_of(error) or (AWAY if self.dialect != "sqlite" else "")
        words = [f"{self.display_url}: {str(error).strip()}"]
        if cause == NO_FILE and self.sqlite_path is not None:
            words.append(missing_folder(self.sqlite_path))
        return StoreUnavailableError(
            ". ".join([*filter(None, words), *([cause] if cause else [])]), cause
        )

    def _create_engine(self) -> Engine:
        extra: dict[str, Any] = {}
        if self.dialect == "sqlite":
            extra["connect_args"] = {"timeout": _BUSY_TIMEOUT_MS / 1000}
        else:
            extra["pool_pre_ping"] = True
            # Once for each connection, not for each transaction.
            extra["isolation_level"] = "READ COMMITTED"
            extra["connect_args"] = {"connect_timeout": 5}
        try:
            engine = create_engine(self.url, pool_size=_POOL_SIZE, max_overflow=48, **extra)
        except NoSuchModuleError:
            raise ConfigurationError(f"database URL {self.display_url!r}: unknown driver") from None
        except ModuleNotFoundError as error:
            wanted = _DRIVERS[self.url.get_backend_name()][1]
            raise ConfigurationError(
                f"database URL {self.display_url!r} needs {error.name!r}: "
                f"pip install 'otel-fmd[{wanted}]'"
            ) from None
        if self.dialect == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine


def _family(url: URL) -> str:
    backend = url.get_backend_name()
    return "mariadb" if backend in ("mysql", "mariadb") else backend


_REPAIRABLE_SQLSTATES = frozenset(["28000", "28P01", "3D000", "3F000", "42501", "42P01"])
"""No such user, password, database, schema, right or table: an operator can put it right."""
_REPAIRABLE_MYSQL = frozenset([1044, 1045, 1046, 1049, 1142, 1143, 1146, 1227, 1370])
_TRANSIENT_SQLSTATES = frozenset(
    ["40001", "40P01", "55P03", "53100", "53300", "57P01", "57P02", "57P03", "25006"]
)
_TRANSIENT_MYSQL = frozenset([1205, 1213, 1047, 1290, 2006, 2013, 1053, 1927, 1180, 3101])


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is tried again.

    Deadlock, serialization or certification failure, lock timeout, a full disk, a server that goes,
    comes, or is read-only for now; and what an operator can put right: a table, a right or a user
    that is missing.
    """
    original = error.orig
    state = getattr(original, "sqlstate", None)
    if state in _TRANSIENT_SQLSTATES or state in _REPAIRABLE_SQLSTATES:
        return True
    args: tuple[Any, ...] = getattr(original, "args", ())
    return bool(args) and (args[0] in _TRANSIENT_MYSQL or args[0] in _REPAIRABLE_MYSQL)


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


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # Transactions are begun by us, see _begin_sqlite.
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


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("fmd_begin", "BEGIN"))
