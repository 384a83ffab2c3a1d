"""A database engine in one file: SQLite under another name, with nothing of its shortcuts."""

from __future__ import annotations

from sqlalchemy import Connection

from otel_fmd.store.engines.base import DatabaseEngine, Insert, Rows
from otel_fmd.store.engines.sqlite import SqliteEngine


class FourthEngine(SqliteEngine):
    """Rows go in as into a server with standard SQL.

    One `executemany`, its error when one is there.
    """

    name = "fourth"
    schemes = ("fourth",)

    def run_many(self, connection: Connection, statement: str, rows: Rows) -> int:
        """As the base has it."""
        return DatabaseEngine.run_many(self, connection, statement, rows)

    def insert_new(self, connection: Connection, insert: Insert, rows: Rows) -> bool:
        """As the base has it."""
        return DatabaseEngine.insert_new(self, connection, insert, rows)


ENGINE = FourthEngine()
