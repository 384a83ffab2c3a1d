"""What a database engine answers for: the defaults are those of a server with standard SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from otel_fmd.store.causes import AWAY

RunAlone = Callable[[str], list[Any]]
"""Runs a statement outside of any transaction, while nothing else in this process writes; its
rows."""
Rows = Sequence[Sequence[Any]]


class ColumnTypes(NamedTuple):
    """Types of columns for which databases have types of their own."""

    big: Any = BigInteger()
    """A key that grows, or a reference to one: 64 bits."""
    time: Any = DateTime()
    """A time to the microsecond, without zone."""
    long_text: Any = Text()
    """Megabytes of text."""
    blob: Any = LargeBinary()
    """Megabytes of bytes."""
    trace_id: Any = LargeBinary(16)
    span_id: Any = LargeBinary(8)


class Insert(NamedTuple):
    """`INSERT INTO table (columns) VALUES (...)`, and its parts, quoted."""

    statement: str
    table: str
    columns: str


class DatabaseEngine:
    """A kind of database.

    One object stands for all databases of the kind; it keeps no state. Errors are the driver's as
    SQLAlchemy raises them.
    """

    name: ClassVar[str]
    """As messages call it."""
    schemes: ClassVar[tuple[str, ...]]
    """What its URLs may begin with."""
    driver: ClassVar[str]
    """SQLAlchemy's name of the driver that we use (`dialect+driver`)."""
    extra: ClassVar[str]
    """The extra of this package that installs the driver."""

    types: ClassVar[ColumnTypes] = ColumnTypes()
    table_options: ClassVar[Mapping[str, Any]] = {}
    """SQLAlchemy's options of every table."""
    keyed_table_options: ClassVar[Mapping[str, Any]] = {}
    """Options of tables that are only read by primary key."""
    counted_table_options: ClassVar[Mapping[str, Any]] = {}
    """Options of tables whose ids are never reused, even after deletion."""
    partial_index_option: ClassVar[str] = ""
    """SQLAlchemy's option of an index for the rows that it covers; '' where there are none."""

    placeholder: ClassVar[str] = "%s"
    least: ClassVar[str] = "LEAST"
    greatest: ClassVar[str] = "GREATEST"

    has_one_writer: ClassVar[bool] = False
    """Whether transactions that write wait for each other. Those of one process then wait in the
    process, in turns, and one that failed is not worth another try: it has waited already."""
    frees_at_once: ClassVar[bool] = False
    """Whether `used_bytes` falls as soon as rows are deleted."""

    code_causes: ClassVar[Mapping[str | int, str]] = {}
    """Causes by error code (see `store.causes`)."""
    cause_texts: ClassVar[Sequence[tuple[str, str]]] = ()
    """Causes by parts of an error's text, in lower case, if the code says nothing."""
    unknown_cause: ClassVar[str] = AWAY
    """The cause of any other operational error."""
    transient_codes: ClassVar[frozenset[str | int]] = frozenset()
    """Codes after which the same transaction may succeed later: deadlock, serialization or
    certification failure, lock timeout, a full disk, a server that goes, comes, or is read-only
    for now; and what an operator can put right: a table, a right or a user that is missing."""
    duplicate_codes: ClassVar[frozenset[str | int]] = frozenset()
    """Codes of "a row with this key is there"."""
    driver_errors: ClassVar[tuple[type[Exception], ...]] = ()
    """What the driver raises through `RunAlone`, where SQLAlchemy is not asked."""

    # Opening

    def driver_for(self, scheme: str) -> str:
        """SQLAlchemy's name of our driver, for URLs with this scheme."""
        return self.driver

    def checked_url(self, url: URL) -> URL:
        """The URL with what this database needs in it.

        Raises:
            ValueError: it cannot be used; the message says what was expected.
        """
        return url

    def file_path(self, url: URL) -> str | None:
        """The absolute path of the database's file; None for a server."""
        return None

    def engine_options(self) -> dict[str, Any]:
        """Arguments of SQLAlchemy's `create_engine`."""
        return {
            "pool_pre_ping": True,
            # Once for each connection, not for each transaction.
            "isolation_level": "READ COMMITTED",
            "connect_args": {"connect_timeout": 5},
        }

    def prepare(self, engine: Engine) -> None:
        """Listen to what the new engine does, before it opens its first connection."""

    # Transactions

    def for_reading(self, connection: Connection) -> Connection:
        """A connection whose next transaction is a snapshot: all statements see one state."""
        return connection.execution_options(isolation_level="REPEATABLE READ")

    def for_writing(self, connection: Connection, *, snapshot: bool) -> Connection:
        """A connection whose next transaction writes; with `snapshot`, as `for_reading` sees."""
        return self.for_reading(connection) if snapshot else connection

    @contextmanager
    def schema_lock(self, connection: Connection) -> Iterator[None]:
        """Keep other processes from changing the schema, on a connection in a transaction."""
        yield

    # Errors

    def code_of(self, error: BaseException | None) -> str | int | None:
        """The code of a driver's error."""
        return None

    def cause_of(self, error: BaseException | None) -> str:
        """What a driver's error means, and its cure (see `store.causes`); '' when unknown."""
        cause = self.code_causes.get(self.code_of(error) or "")
        if cause is None:
            words = str(error).lower()
            cause = next((means for part, means in self.cause_texts if part in words), "")
        return cause

    def more_about(self, cause: str, url: URL) -> str:
        """What else is known of a cause, for those who may read paths; '' when nothing."""
        return ""

    def is_transient(self, error: DBAPIError) -> bool:
        """Whether the same transaction may succeed when it is tried again."""
        return self.code_of(error.orig) in self.transient_codes

    def is_duplicate(self, error: IntegrityError) -> bool:
        """Whether a row with the same key was there; other constraints are another matter."""
        return self.code_of(error.orig) in self.duplicate_codes

    # Rows

    def upsert(self, insert: Insert, keys: str, merges: Mapping[str, str]) -> str:
        """An insert that merges into the row with the same key.

        Args:
            insert: of all columns.
            keys: the quoted columns of the primary key, with commas.
            merges: per quoted column that is no key: `add`, `min`, `max` or `replace`.
        """
        sets = self._sets(merges, f"{insert.table}.{{0}}", "excluded.{0}")
        return f"{insert.statement} ON CONFLICT ({keys}) DO UPDATE SET {sets}"

    def _sets(self, merges: Mapping[str, str], old: str, new: str) -> str:
        """Assignments for an upsert; `old` and `new` are formats for a column's two values."""
        hows = {
            "add": "{0} + {1}",
            "min": f"{self.least}({{0}}, {{1}})",
            "max": f"{self.greatest}({{0}}, {{1}})",
            "replace": "{1}",
        }
        return ", ".join(
            f"{column} = {hows[how].format(old.format(column), new.format(column))}"
            for column, how in merges.items()
        )

    def run_many(self, connection: Connection, statement: str, rows: Rows) -> int:
        """Run a statement for every row, at best all at once; how many rows it changed."""
        if not rows:
            return 0
        return connection.exec_driver_sql(statement, list(rows)).rowcount

    def insert_new(self, connection: Connection, insert: Insert, rows: Rows) -> bool:
        """Insert rows, sorted by their key, as fast as can be.

        Returns:
            Whether none of their keys was there; if not, the caller must undo the transaction.
        """
        try:
            self._insert_new(connection, insert, rows)
        except IntegrityError as error:
            if self.is_duplicate(error):
                return False
            raise
        return True

    def _insert_new(self, connection: Connection, insert: Insert, rows: Rows) -> None:
        self.run_many(connection, insert.statement, rows)

    # Space

    def used_bytes(self, connection: Connection) -> int:
        """Space that the tables use, without reusable free space where that is known."""
        raise NotImplementedError

    def disk_bytes(self, connection: Connection, url: URL) -> int:
        """Space that the database takes on disk."""
        return self.used_bytes(connection)

    def give_back(self, run_alone: RunAlone) -> None:
        """Return the space of deleted rows to the file system, if nothing else does."""

    def checkpoint(self, run_alone: RunAlone) -> None:
        """Empty the write-ahead log, if it takes space of its own."""

    # Tables that another program made

    def ignores_case(self, connection: Connection) -> bool:
        """Whether `user` and `User` are one table."""
        return False

    def loosen(self, connection: Connection, metadata: MetaData, renewed: Table) -> None:
        """Remove constraints that would prevent changing columns of FMD's tables.

        Args:
            connection: in a transaction.
            metadata: all of our tables.
            renewed: the table whose unique constraints change, too.
        """
        quote = connection.dialect.identifier_preparer.quote
        found = inspect(connection)
        for table in metadata.sorted_tables:
            if found.has_table(table.name):
                for key in found.get_foreign_keys(table.name):
                    name = quote(str(key["name"]))
                    self._alter(connection, table, [self.drop_foreign_key(name)])
        unique = found.get_unique_constraints(renewed.name)
        drops = [self.drop_unique(quote(str(one["name"]))) for one in unique]
        self._alter(connection, renewed, drops)

    def tighten(self, connection: Connection, metadata: MetaData, renewed: Table) -> None:
        """Put back what `loosen` took, as our tables have it."""
        quote = connection.dialect.identifier_preparer.quote
        for table in metadata.sorted_tables:
            there = inspect(connection).get_foreign_keys(table.name)
            known = {tuple(key["constrained_columns"]) for key in there}
            for key in table.constraints:
                if isinstance(key, ForeignKeyConstraint) and tuple(key.column_keys) not in known:
                    target = key.elements[0].column
                    self._alter(
                        connection,
                        table,
                        [
                            f"ADD FOREIGN KEY ({quote(key.column_keys[0])}) "
                            f"REFERENCES {quote(target.table.name)} ({quote(target.name)})"
                        ],
                    )
        for one in renewed.constraints:
            if isinstance(one, UniqueConstraint):
                columns = ", ".join(quote(column.name) for column in one.columns)
                self._alter(connection, renewed, [f"ADD UNIQUE ({columns})"])

    def change_columns(
        self,
        connection: Connection,
        table: Table,
        added: Sequence[Column[Any]],
        kept: Sequence[Column[Any]],
    ) -> None:
        """Add columns to an FMD table, and change the types of existing ones to ours."""
        raise NotImplementedError

    def drop_foreign_key(self, name: str) -> str:
        """What an `ALTER TABLE` says for it; `name` is quoted, here and below."""
        return f"DROP CONSTRAINT {name}"

    def drop_unique(self, name: str) -> str:
        """What an `ALTER TABLE` says for it."""
        return f"DROP CONSTRAINT {name}"

    def drop_index(self, name: str, table: str) -> str:
        """The statement."""
        return f"DROP INDEX {name}"

    def after_adoption(self, run_alone: RunAlone) -> None:
        """What is left to do when the adopted tables are committed."""

    @staticmethod
    def _alter(connection: Connection, table: Table, changes: Sequence[str]) -> None:
        if changes:
            name = connection.dialect.identifier_preparer.quote(table.name)
            connection.execute(text(f"ALTER TABLE {name} {', '.join(changes)}"))
