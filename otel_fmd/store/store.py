"""A database that is open: its engine, its tables, and the kinds of transaction.

* `read()` - a snapshot: every statement in it sees the same state, and no writer waits for it.
* `write()` - a short transaction; where a database has one writer it is that from its begin.
* `run_alone()` - a statement outside of transactions.
* all turn the driver's errors into ours where a caller can do something about them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from otel_fmd.errors import ConfigurationError, StoreUnavailableError
from otel_fmd.forks import on_fork
from otel_fmd.store.causes import CURABLE
from otel_fmd.store.tables import Tables, build_tables
from otel_fmd.store.url import hidden, parse_url

_POOL_SIZE = 16


class Store:
    """An open database.

    Args:
        database_url: see `parse_url`.
        table_prefix: FMD's TABLE_PREFIX.

    Raises:
        ConfigurationError: the URL cannot be used, or its driver is not installed.
    """

    def __init__(self, database_url: str, table_prefix: str = "") -> None:
        self.url, self.database = parse_url(database_url)
        self.tables: Tables = build_tables(table_prefix, self.database)
        self.engine = self._create_engine()
        # Where a database has one writer: its own lock is not fair between threads.
        self.write_lock = threading.RLock()
        on_fork(self.after_fork)

    @property
    def display_url(self) -> str:
        """The URL with its password hidden."""
        return hidden(self.url.render_as_string(hide_password=True))

    @property
    def file_path(self) -> str | None:
        """The database's file; None for a server."""
        return self.database.file_path(self.url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a snapshot that is not changed by concurrent writers."""
        with self._errors(), self.engine.connect() as connection:
            connection = self.database.for_reading(connection)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end and undoes itself on an error.

        Args:
            snapshot: all its statements see one state, as in `read`.
        """
        with self._errors(), self._writer(), self.engine.connect() as connection:
            connection = self.database.for_writing(connection, snapshot=snapshot)
            with connection.begin():
                yield connection

    def run_alone(self, statement: str) -> list[Any]:
        """Run a statement outside of any transaction, which SQLAlchemy would begin; its rows."""
        with self._errors(), self._writer(), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            return list(raw.execute(statement).fetchall())

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()

    def after_fork(self) -> None:
        """Forget the parent's connections and locks without touching them, in a forked child."""
        self.engine.dispose(close=False)
        self.write_lock = threading.RLock()

    @contextmanager
    def _writer(self) -> Iterator[None]:
        if self.database.has_one_writer:
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
            gone = error.connection_invalidated or self.database.is_transient(error)
            if gone or self.database.cause_of(error.orig) in CURABLE:
                raise self._unavailable(error.orig) from error
            raise
        except self.database.driver_errors as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException | None) -> StoreUnavailableError:
        """The error with cause and remedy; only the log gets address and path."""
        cause = self.database.cause_of(error) or self.database.unknown_cause
        words = [f"{self.display_url}: {str(error).strip()}"]
        words += filter(None, (self.database.more_about(cause, self.url), cause))
        return StoreUnavailableError(". ".join(words), cause)

    def _create_engine(self) -> Engine:
        options = self.database.engine_options()
        try:
            engine = create_engine(self.url, pool_size=_POOL_SIZE, max_overflow=48, **options)
        except NoSuchModuleError:
            raise ConfigurationError(f"database URL {self.display_url!r}: unknown driver") from None
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"database URL {self.display_url!r} needs {error.name!r}: "
                f"pip install 'otel-fmd[{self.database.extra}]'"
            ) from None
        self.database.prepare(engine)
        return engine
