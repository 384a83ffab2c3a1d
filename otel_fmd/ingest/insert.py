"""Inserting requests exactly once: which rows were new.

`insert_all` tries to insert all rows and returns whether all were new. If not, the
caller's transaction is rolled back and `resolve` finds the known ones: a row of the same span is a
duplicate, a row of another span with the same id moves the new one upward.
How rows are inserted is up to the database engine: the fastest way measured (docs, "Storage and
scaling").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from otel_fmd.analysis.request_id import next_id
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store

COLUMNS = (
    "id",
    "endpoint_id",
    "duration",
    "time_requested",
    "version_requested",
    "group_by",
    "ip",
    "status_code",
    "trace_id",
    "span_id",
    "time_to_first_byte",
)
_SELECT_CHUNK = 500


class RequestRow(NamedTuple):
    """A row of the Request table, in the order of `COLUMNS`; `time_requested` as text."""

    id: int
    endpoint_id: int
    duration: float
    time_requested: str
    version_requested: str
    group_by: str | None
    ip: str
    status_code: int | None
    trace_id: bytes
    span_id: bytes
    time_to_first_byte: float | None


class Inserter:
    """Inserts requests into one store."""

    def __init__(self, store: Store) -> None:
        self._table = store.tables.request
        self._database = store.database
        self._insert = Statements(store).insert(self._table, COLUMNS)

    def insert_all(self, connection: Connection, rows: Sequence[RequestRow]) -> bool:
        """Insert the rows, sorted by id; False when one was known (the caller must roll back)."""
        return not rows or self._database.insert_new(connection, self._insert, rows)

    def resolve(
        self, connection: Connection, rows: Sequence[RequestRow]
    ) -> tuple[list[int], list[RequestRow]]:
        """Which of the rows are new, by their place in `rows`, and those rows with free ids."""
        places: list[int] = []
        fresh: list[RequestRow] = []
        taken: dict[int, tuple[bytes, bytes]] = {}
        waiting = [(place, row.id) for place, row in enumerate(rows)]
        while waiting:
            unknown = {identifier for _, identifier in waiting} - taken.keys()
            self._look_up(connection, sorted(unknown), taken)
            again: list[tuple[int, int]] = []
            for place, identifier in waiting:
                row = rows[place]
                me = (row.trace_id, row.span_id)
                holder = taken.setdefault(identifier, me)
                if holder is me:
                    places.append(place)
                    fresh.append(row._replace(id=identifier))
                elif holder != me:
                    again.append((place, next_id(identifier, *me)))
            waiting = again
        order = sorted(range(len(fresh)), key=lambda index: fresh[index].id)
        return [places[index] for index in order], [fresh[index] for index in order]

    def _look_up(
        self, connection: Connection, ids: Sequence[int], taken: dict[int, tuple[bytes, bytes]]
    ) -> None:
        column = self._table.c
        for start in range(0, len(ids), _SELECT_CHUNK):
            chunk = ids[start : start + _SELECT_CHUNK]
            query = select(column.id, column.trace_id, column.span_id).where(column.id.in_(chunk))
            for row in connection.execute(query):
                taken[row.id] = (bytes(row.trace_id or b""), bytes(row.span_id or b""))
