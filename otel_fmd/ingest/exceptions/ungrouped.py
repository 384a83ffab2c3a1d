"""Groups of occurrences that have none: those that the Flask Monitoring Dashboard wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.exceptions.variants import VariantRegistry
from otel_fmd.ingest.names import NameRegistry
from otel_fmd.requests.exception_secrets import ExceptionSecrets
from otel_fmd.requests.exceptions import ExceptionEvent
from otel_fmd.signals.semconv import UNKNOWN_VERSION
from otel_fmd.store.exceptions import RAW
from otel_fmd.store.store import Store
from otel_fmd.store.times import unix_us

_MOST = 200
"""Occurrences that are grouped at a time."""
_NOWHERE = 0
"""The variant of an occurrence whose request is gone, so that it is not looked at again."""


class _Row(NamedTuple):
    """An occurrence with what tells its group."""

    id: int
    service_id: int
    event: ExceptionEvent
    endpoint_id: int


class UngroupedOccurrences:
    """Finds the groups of occurrences without one.

    Their stack traces are read as Python would print them, so that they are in the same groups as
    what OpenTelemetry records of the same bug.

    Args:
        store: the database.
        redactor: hides secrets in what is shown of a group.
        rules: how exceptions are parsed and grouped.
    """

    def __init__(self, store: Store, redactor: Redactor, rules: ExceptionRules) -> None:
        self._store = store
        self._names = NameRegistry(store)
        self._variants = VariantRegistry(store, rules, ExceptionSecrets(redactor))

    def group_all(self) -> None:
        """Group all of them."""
        while self.group():
            pass

    def group(self) -> int:
        """Group some of them, the newest first; how many were."""
        tables = self._store.tables
        occurrence = tables.exception_occurrence
        query = (
            select(occurrence.c.id)
            .where(occurrence.c.variant_id.is_(None))
            .order_by(occurrence.c.id.desc())
            .limit(_MOST)
        )
        with self._store.read() as connection:
            ids = connection.execute(query).scalars().all()
            rows = self._read(connection, ids) if ids else []
        if not ids:
            return 0
        self._variants.refresh()
        found = [
            (row, self._variants.variant_of(row.event, row.service_id), self._version_id(row))
            for row in rows
        ]
        left = set(ids) - {row.id for row in rows}
        with self._store.write() as connection:
            for row, variant_id, version_id in found:
                if self._set(connection, row, variant_id, version_id):
                    self._count(connection, row, variant_id, version_id)
            for number in sorted(left):
                statement = update(occurrence).where(occurrence.c.id == number)
                connection.execute(statement.values(variant_id=_NOWHERE))
        return len(ids)

    def _version_id(self, row: _Row) -> int:
        return self._names.version_id(row.event.version)

    def _set(self, connection: Connection, row: _Row, variant_id: int, version_id: int) -> bool:
        """Note the group of an occurrence; False if another process was faster."""
        occurrence = self._store.tables.exception_occurrence
        statement = update(occurrence).where(
            occurrence.c.id == row.id, occurrence.c.variant_id.is_(None)
        )
        changed = connection.execute(
            statement.values(
                variant_id=variant_id,
                endpoint_id=row.endpoint_id,
                version_id=version_id,
                time_us=row.event.time_us,
                user=row.event.user,
            )
        )
        return changed.rowcount == 1

    def _count(self, connection: Connection, row: _Row, variant_id: int, version_id: int) -> None:
        tables, time_us = self._store.tables, row.event.time_us
        connection.execute(
            insert(tables.exception_count).values(
                grain=RAW,
                minute=time_us // 60_000_000,
                variant_id=variant_id,
                endpoint_id=row.endpoint_id,
                version_id=version_id,
                count=1,
                first_us=time_us,
                last_us=time_us,
            )
        )
        if row.event.user:
            values = {"variant_id": variant_id, "name": row.event.user}
            connection.execute(insert(tables.exception_user).values(values))

    def _read(self, connection: Connection, ids: Sequence[int]) -> list[_Row]:
        """Those of these occurrences whose request is there."""
        tables = self._store.tables
        occurrence, request = tables.exception_occurrence.c, tables.request.c
        rows = connection.execute(
            select(
                occurrence.id,
                occurrence.exception_type_id,
                occurrence.exception_msg_id,
                occurrence.stack_trace_snapshot_id,
                occurrence.is_user_captured,
                request.endpoint_id,
                request.time_requested,
                request.version_requested,
                request.group_by,
            ).where(occurrence.id.in_(ids), request.id == occurrence.request_id)
        ).all()
        types = _texts(connection, tables.exception_type.c.type, {row[1] for row in rows})
        messages = _texts(connection, tables.exception_message.c.message, {row[2] for row in rows})
        stacks = {n: self._stack(connection, n) for n in {row[3] for row in rows}}
        services = self._services(connection, {row.endpoint_id for row in rows})
        found = []
        for row in rows:
            service = services.get(row.endpoint_id)
            if service is None or row.time_requested is None:
                continue
            kind, message = types.get(row[1], ""), messages.get(row[2], "")
            event = ExceptionEvent(
                "",
                row.version_requested or UNKNOWN_VERSION,
                unix_us(row.time_requested),
                kind,
                message,
                f"{stacks[row[3]]}{kind}: {message}\n",
                "python",
                b"",
                b"",
                row.group_by,
                bool(row.is_user_captured),
            )
            found.append(_Row(row.id, service, event, row.endpoint_id))
        return found

    def _services(self, connection: Connection, endpoint_ids: set[int]) -> dict[int, int]:
        endpoint = self._store.tables.endpoint.c
        query = select(endpoint.id, endpoint.service_id).where(endpoint.id.in_(endpoint_ids))
        return {
            row.id: row.service_id
            for row in connection.execute(query)
            if row.service_id is not None
        }

    def _stack(self, connection: Connection, stack_trace_id: int) -> str:
        """A stack trace as Python prints it, without its last line."""
        tables = self._store.tables
        line, frame = tables.exception_stack_line.c, tables.exception_frame.c
        place, path = tables.function_location.c, tables.file_path.c
        function = tables.function_definition.c
        query = (
            select(
                path.path,
                frame.line_number,
                function.name,
                function.code,
                place.function_start_line_number,
            )
            .where(
                line.stack_trace_snapshot_id == stack_trace_id,
                frame.id == line.exception_frame_id,
                place.id == frame.function_location_id,
                path.id == place.file_path_id,
                function.id == place.function_definition_id,
            )
            .order_by(line.position)
        )
        text = "Traceback (most recent call last):\n"
        for file, number, name, code, start in connection.execute(query):
            text += f'  File "{file}", line {number}, in {name}\n'
            lines = (code or "").splitlines()
            if 0 <= number - start < len(lines):
                text += f"    {lines[number - start].strip()}\n"
        return text


def _texts(connection: Connection, column: Any, ids: set[int]) -> dict[int, str]:
    query = select(column.table.c.id, column).where(column.table.c.id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(query)}
