"""Rows of log records: redacted, cut to size, and inserted once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.request_id import next_id, request_id
from otel_fmd.analysis.text import fit
from otel_fmd.ingest.names import NameRegistry
from otel_fmd.signals.log_record import LogRecord
from otel_fmd.signals.record import AttributeValue, as_text
from otel_fmd.signals.semconv import SERVICE_NAME, UNKNOWN_SERVICE
from otel_fmd.store.log_tables import EVENT_WIDTH, LOGGER_WIDTH
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store

COLUMNS = (
    "id",
    "digest",
    "time_us",
    "service_id",
    "severity",
    "trace_id",
    "span_id",
    "logger",
    "event",
    "body",
    "attributes",
)
MOST_BODY = 8_192
"""Characters of a body."""
_MOST_ATTRIBUTES, _KEY_WIDTH, _VALUE_WIDTH = 64, 100, 2_000
_MOST_READ = 64 * 1024
"""Characters that are searched for secrets; what is longer is cut first."""
_SERVICE_WIDTH, _CHUNK = 250, 400


class LogRow(NamedTuple):
    """A row of the LogRecord table, in the order of `COLUMNS`."""

    id: int
    digest: bytes
    time_us: int
    service_id: int
    severity: int
    trace_id: bytes | None
    span_id: bytes | None
    logger: str
    event: str
    body: str
    attributes: str


class LogWriter:
    """Writes log records; used by one thread at a time.

    Args:
        store: the database.
        names: the ids of services.
        redactor: hides secrets in bodies and attributes.
    """

    def __init__(self, store: Store, names: NameRegistry, redactor: Redactor) -> None:
        self._table = store.tables.log_record
        self._database = store.database
        self._names = names
        self._redactor = redactor
        self._insert = Statements(store).insert(self._table, COLUMNS)

    def prepare(self, records: Sequence[LogRecord]) -> list[LogRow]:
        """The rows of records, sorted by id, each record once; before the transaction."""
        rows: dict[tuple[int, bytes], LogRow] = {}
        for record in records:
            row = self._row(record)
            rows.setdefault((row.id, row.digest), row)
        return sorted(rows.values(), key=lambda row: (row.id, row.digest))

    def insert_all(self, connection: Connection, rows: Sequence[LogRow]) -> bool:
        """Insert the rows; False when an id was known (the caller must roll back)."""
        ids = [row.id for row in rows]
        if len(set(ids)) < len(ids):
            return False
        return not rows or self._database.insert_new(connection, self._insert, rows)

    def resolve(self, connection: Connection, rows: Sequence[LogRow]) -> list[LogRow]:
        """The rows that are new, with free ids, sorted by them."""
        fresh: list[LogRow] = []
        taken: dict[int, bytes] = {}
        waiting = list(rows)
        while waiting:
            unknown = {row.id for row in waiting} - taken.keys()
            self._look_up(connection, sorted(unknown), taken)
            again: list[LogRow] = []
            for row in waiting:
                holder = taken.setdefault(row.id, row.digest)
                if holder is row.digest:
                    fresh.append(row)
                elif holder != row.digest:
                    again.append(row._replace(id=next_id(row.id, row.digest, b"")))
            waiting = again
        return sorted(fresh)

    def _look_up(self, connection: Connection, ids: Sequence[int], taken: dict[int, bytes]) -> None:
        column = self._table.c
        for start in range(0, len(ids), _CHUNK):
            query = select(column.id, column.digest).where(
                column.id.in_(ids[start : start + _CHUNK])
            )
            for row in connection.execute(query):
                taken[row.id] = bytes(row.digest)

    def _row(self, record: LogRecord) -> LogRow:
        service = record.resource.attributes.get(SERVICE_NAME) or UNKNOWN_SERVICE
        name = fit(as_text(service), _SERVICE_WIDTH) or UNKNOWN_SERVICE
        body, attributes = self._body(record.body()), self._attributes(record.attributes())
        said = (name, record.scope, record.event_name, str(record.severity), body, attributes)
        whole = b"\x00".join(
            [
                record.time_ns.to_bytes(8, "big", signed=True),
                record.trace_id,
                record.span_id,
                *(part.encode("utf-8", "replace") for part in said),
            ]
        )
        digest = blake2b(whole, digest_size=8).digest()
        time_us = record.time_ns // 1000
        return LogRow(
            request_id(time_us, digest, b""),
            digest,
            time_us,
            self._names.service_id(name),
            record.severity,
            record.trace_id or None,
            record.span_id or None,
            fit(record.scope, LOGGER_WIDTH),
            fit(record.event_name, EVENT_WIDTH),
            body,
            attributes,
        )

    def _body(self, body: AttributeValue) -> str:
        if body is None:
            return ""
        if isinstance(body, Mapping):
            body = self._redactor.mapping(body)
            return fit(as_text(body)[:_MOST_READ], MOST_BODY)
        return fit(self._redactor.text(as_text(body)[:_MOST_READ]), MOST_BODY)

    def _attributes(self, attributes: Mapping[str, Any]) -> str:
        some = dict(list(attributes.items())[:_MOST_ATTRIBUTES])
        cut = {
            key: value[:_MOST_READ] if isinstance(value, str) else value
            for key, value in some.items()
        }
        found = {
            fit(key, _KEY_WIDTH): value
            if isinstance(value, bool | int | float)
            else fit(as_text(value), _VALUE_WIDTH)
            for key, value in self._redactor.mapping(cut).items()
        }
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
