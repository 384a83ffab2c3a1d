"""Removing what no exception refers to any more: variants, groups, stack traces, messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Column, Connection, Table, delete, exists, select

from otel_fmd.store.store import Store

_CHUNK = 400
InChunks = Callable[[Callable[[Connection, int], int]], int]
"""Runs a chunk again and again, each time in a transaction, until it returns 0."""


class UnusedExceptions:
    """Removes what is left over of exceptions.

    A group stays as long as it has counts or occurrences; a note or a decision does not keep it.
    Writers remember ids for ten minutes (`REMEMBERED_S` in `ingest.exceptions.stack_traces`): only
    what was unused twice as long ago, and still is, is removed.

    Args:
        store: the database.
        in_chunks: see `InChunks`.
        apart_s: how long something must be unused.
    """

    def __init__(self, store: Store, in_chunks: InChunks, apart_s: float = 1_200.0) -> None:
        self._store = store
        self._in_chunks = in_chunks
        self._apart_s = apart_s
        self._looked_s = float("-inf")
        self._seen: dict[str, set[int]] = {}

    def remove(self) -> int:
        """Remove what was unused at the last look, too; how many rows were."""
        now = time.monotonic()
        if now - self._looked_s < self._apart_s:
            return 0
        self._looked_s = now
        tables = self._store.tables
        occurrence, count = tables.exception_occurrence.c, tables.exception_count.c
        variant, line = tables.exception_variant, tables.exception_stack_line.c
        frame, location = tables.exception_frame.c, tables.function_location.c
        removed = self._unused(variant, (count.variant_id, occurrence.variant_id))
        user = tables.exception_user
        self._in_chunks(lambda c, most: self._without(c, user, user.c.variant_id, variant, most))
        group = tables.exception_group
        removed += self._unused(group, (variant.c.group_id, group.alias().c.merged_into))
        removed += self._unused(tables.exception_message, (occurrence.exception_msg_id,))
        removed += self._unused(tables.exception_type, (occurrence.exception_type_id,))
        removed += self._unused(
            tables.stack_trace,
            (occurrence.stack_trace_snapshot_id,),
            (tables.exception_stack_line, "stack_trace_snapshot_id"),
        )
        removed += self._unused(tables.exception_frame, (line.exception_frame_id,))
        removed += self._unused(tables.function_location, (frame.function_location_id,))
        removed += self._unused(tables.function_definition, (location.function_definition_id,))
        removed += self._unused(tables.file_path, (location.file_path_id,))
        return removed

    def _unused(
        self,
        table: Table,
        references: Iterable[Column[int]],
        parts: tuple[Table, str] | None = None,
    ) -> int:
        """Remove rows that nothing refers to.

        Args:
            table: where they are.
            references: columns that may refer to them.
            parts: a table whose rows are parts of theirs, and its column that says so.
        """
        conditions = [~exists().where(column == table.c.id) for column in references]
        with self._store.read() as connection:
            found = set(connection.execute(select(table.c.id).where(*conditions)).scalars())
        waiting = sorted(found & self._seen.get(table.name, set()))
        self._seen[table.name] = found

        def chunk(connection: Connection, most: int) -> int:
            ids: Sequence[int] = waiting[: min(most, _CHUNK)]
            del waiting[: len(ids)]
            if not ids:
                return 0
            still = list(
                connection.execute(
                    select(table.c.id).where(table.c.id.in_(ids), *conditions)
                ).scalars()
            )
            if parts is not None:
                inner, column = parts
                connection.execute(delete(inner).where(inner.c[column].in_(still)))
            connection.execute(delete(table).where(table.c.id.in_(still)))
            return len(ids)

        return self._in_chunks(chunk)

    @staticmethod
    def _without(
        connection: Connection, table: Table, column: Column[int], owner: Table, most: int
    ) -> int:
        """Remove rows whose owner is gone."""
        orphan = ~exists().where(owner.c.id == column)
        ids = (
            connection.execute(select(table.c.id).where(orphan).limit(min(most, _CHUNK)))
            .scalars()
            .all()
        )
        connection.execute(delete(table).where(table.c.id.in_(ids)))
        return len(ids)
