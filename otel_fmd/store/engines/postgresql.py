"""PostgreSQL: rows by COPY, its sizes from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Table
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from otel_fmd.store import causes
from otel_fmd.store.engines.base import DatabaseEngine, Insert, Rows

_SCHEMA_LOCK = 0x0FED_F3D0


class PostgresqlEngine(DatabaseEngine):
    """PostgreSQL, by psycopg."""

    name = "postgresql"
    schemes = ("postgresql", "postgres")
    driver = "postgresql+psycopg"
    extra = "postgresql"

    partial_index_option = "postgresql_where"

    # Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
    code_causes = {
        "28P01": causes.REFUSED,
        "28000": causes.REFUSED,
        "3D000": causes.NO_DATABASE,
        "42501": causes.RIGHTS,
        "42P01": causes.NO_TABLES,
        "53300": causes.BUSY,
        "53100": causes.FULL,
        "25006": causes.READ_ONLY,
    }
    cause_texts = (
        ("password authentication failed", causes.REFUSED),
        ("no password supplied", causes.REFUSED),
        ("no pg_hba.conf entry", causes.REFUSED),
        ("too many clients", causes.BUSY),
        ("does not exist", causes.NO_DATABASE),
    )
    transient_codes = frozenset(
        [
            *("40001", "40P01", "55P03", "53100", "53300", "57P01", "57P02", "57P03", "25006"),
            # No such user, password, database, schema, right or table.
            *("28000", "28P01", "3D000", "3F000", "42501", "42P01"),
        ]
    )
    duplicate_codes = frozenset(["23505"])

    @contextmanager
    def schema_lock(self, connection: Connection) -> Iterator[None]:
        """Until the transaction ends."""
        connection.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
        yield

    def code_of(self, error: BaseException | None) -> str | int | None:
        """Its SQLSTATE."""
        return getattr(error, "sqlstate", None)

    def _insert_new(self, connection: Connection, insert: Insert, rows: Rows) -> None:
        """By COPY; what the driver raises comes as SQLAlchemy's own errors."""
        statement = f"COPY {insert.table} ({insert.columns}) FROM STDIN"
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
                statement, None, error, base, connection_invalidated=gone, dialect=dialect
            ) from error

    def used_bytes(self, connection: Connection) -> int:
        """Includes the space of deleted rows until VACUUM has processed it."""
        query = "SELECT pg_database_size(current_database())"
        return int(connection.execute(sql(query)).scalar_one())

    def change_columns(
        self,
        connection: Connection,
        table: Table,
        added: Sequence[Column[Any]],
        kept: Sequence[Column[Any]],
    ) -> None:
        """All at once: the table is rewritten only once."""
        compiler = connection.dialect
        quote = compiler.identifier_preparer.quote
        changes = [f"ADD COLUMN {CreateColumn(c).compile(dialect=compiler)}" for c in added]
        changes += [
            f"ALTER COLUMN {quote(c.name)} TYPE {c.type.compile(dialect=compiler)}" for c in kept
        ]
        self._alter(connection, table, changes)


ENGINE = PostgresqlEngine()
