"""The table of log records.

Ids are made of time and content, as those of requests, so that a record that is sent again is the
same row. The trace id has no index: records of a request are found by its time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, String, Table

from otel_fmd.store.engines.base import DatabaseEngine

LOGGER_WIDTH, EVENT_WIDTH = 250, 100


def log_tables(table: Any, database: DatabaseEngine) -> dict[str, Table]:
    """The table, by the name that the code uses."""
    types = database.types
    return {
        "log_record": table(
            "LogRecord",
            Column("id", types.big, primary_key=True, autoincrement=False),
            Column("digest", types.span_id, nullable=False),
            Column("time_us", BigInteger, nullable=False),
            Column("service_id", Integer, nullable=False),
            Column("severity", SmallInteger, nullable=False),
            Column("trace_id", types.trace_id),
            Column("span_id", types.span_id),
            Column("logger", String(LOGGER_WIDTH), nullable=False),
            Column("event", String(EVENT_WIDTH), nullable=False),
            Column("body", types.long_text, nullable=False),
            Column("attributes", types.long_text, nullable=False),
        )
    }
