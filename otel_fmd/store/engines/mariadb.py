"""MariaDB and MySQL, a Galera cluster included."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Column, Connection, Table
from sqlalchemy import text as sql
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from otel_fmd.store import causes
from otel_fmd.store.engines.base import ColumnTypes, DatabaseEngine, Insert

_log = logging.getLogger(__name__)


class MariadbEngine(DatabaseEngine):
    """MariaDB and MySQL, by PyMySQL."""

    name = "mariadb"
    schemes = ("mariadb", "mysql")
    driver = "mariadb+pymysql"
    extra = "mariadb"

    types = ColumnTypes(
        time=mysql.DATETIME(fsp=6),
        long_text=mysql.MEDIUMTEXT(),
        blob=mysql.LONGBLOB(),
        trace_id=mysql.BINARY(16),
        span_id=mysql.BINARY(8),
    )
    table_options = {
        f"{dialect}_{name}": value
        for dialect in ("mysql", "mariadb")
        for name, value in (
            ("charset", "utf8mb4"),
            ("collate", "utf8mb4_bin"),
            ("engine", "InnoDB"),
        )
    }

    # Source: https://mariadb.com/kb/en/mariadb-error-code-reference/
    code_causes = {
        1044: causes.RIGHTS,
        1045: causes.REFUSED,
        1049: causes.NO_DATABASE,
        1142: causes.RIGHTS,
        1146: causes.NO_TABLES,
        1040: causes.BUSY,
        1021: causes.FULL,
        1114: causes.FULL,
        1290: causes.READ_ONLY,
        1698: causes.REFUSED,
        2003: causes.AWAY,
        2005: causes.AWAY,
        2006: causes.AWAY,
        2013: causes.AWAY,
    }
    transient_codes = frozenset(
        [
            *(1205, 1213, 1047, 1290, 2006, 2013, 1053, 1927, 1180, 3101),
            # No such user, password, database, right or table.
            *(1044, 1045, 1046, 1049, 1142, 1143, 1146, 1227, 1370),
        ]
    )
    duplicate_codes = frozenset([1062])

    def checked_url(self, url: URL) -> URL:
        """All of Unicode."""
        return url.update_query_dict({"charset": "utf8mb4"})

    def driver_for(self, scheme: str) -> str:
        """SQLAlchemy writes some statements in other words for MySQL."""
        return f"{scheme}+pymysql"

    @contextmanager
    def schema_lock(self, connection: Connection) -> Iterator[None]:
        """A named lock: statements that change tables end every transaction."""
        connection.execute(sql("SELECT GET_LOCK('otel_fmd_schema', 120)"))
        try:
            yield
            # Before the lock is released: the next holder must see the new tables.
            connection.exec_driver_sql("COMMIT")
        finally:
            try:
                connection.execute(sql("SELECT RELEASE_LOCK('otel_fmd_schema')"))
            except DBAPIError:
                # The connection is gone, and the lock with it.
                _log.debug("schema lock was already released", exc_info=True)

    def code_of(self, error: BaseException | None) -> str | int | None:
        """The server's or the client's number."""
        args: tuple[Any, ...] = getattr(error, "args", ())
        return args[0] if args and isinstance(args[0], int) else None

    def upsert(self, insert: Insert, keys: str, merges: Mapping[str, str]) -> str:
        """On any unique key."""
        sets = self._sets(merges, "{0}", "VALUES({0})")
        return f"{insert.statement} ON DUPLICATE KEY UPDATE {sets}"

    def used_bytes(self, connection: Connection) -> int:
        """As the last statistics have it."""
        query = (
            "SELECT SUM(data_length + index_length) FROM information_schema.tables "
            "WHERE table_schema = DATABASE()"
        )
        return int(connection.execute(sql(query)).scalar() or 0)

    def ignores_case(self, connection: Connection) -> bool:
        """As configured on the server."""
        found = connection.execute(sql("SELECT @@lower_case_table_names")).scalar_one()
        return int(found) != 0

    def change_columns(
        self,
        connection: Connection,
        table: Table,
        added: Sequence[Column[Any]],
        kept: Sequence[Column[Any]],
    ) -> None:
        """All at once: the table is rewritten only once."""
        compiler = connection.dialect
        changes = ["CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
        changes += [f"ADD COLUMN {CreateColumn(c).compile(dialect=compiler)}" for c in added]
        changes += [f"MODIFY {CreateColumn(c).compile(dialect=compiler)}" for c in kept]
        self._alter(connection, table, changes)

    def drop_foreign_key(self, name: str) -> str:
        """By its own words."""
        return f"DROP FOREIGN KEY {name}"

    def drop_unique(self, name: str) -> str:
        """A constraint is an index."""
        return f"DROP INDEX {name}"

    def drop_index(self, name: str, table: str) -> str:
        """Names of indexes are a table's own."""
        return f"DROP INDEX {name} ON {table}"


ENGINE = MariadbEngine()
