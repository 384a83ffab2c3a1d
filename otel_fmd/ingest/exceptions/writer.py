"""Writes the exceptions of a batch, in its transaction.

`prepare` runs before the transaction: it finds what each exception is a variant of, and adds what
the rows refer to. `write` appends, in the transaction: counts of everything, occurrences of what is
kept. `committed` remembers what was counted, once it is durable. Counts and users are appended
without looking at what is there, so that writers never wait for each other; they are compacted
later (see `rollups.exceptions`).

An exception that several spans and log records of a trace tell of counts once (see `recent`): at
the request if its span is in the batch. When the request comes in a later batch, the occurrence and
its count are moved there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.ingest.exceptions.occurrences import (
    NOTHING,
    Occurred,
    PreparedExceptions,
    kept_of,
)
from otel_fmd.ingest.exceptions.recent import Counted, RecentExceptions
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.exceptions.samples import OccurrenceSampler
from otel_fmd.ingest.exceptions.stack_traces import StackTraceRegistry
from otel_fmd.ingest.exceptions.users import ExceptionUsers
from otel_fmd.ingest.exceptions.variants import VariantRegistry
from otel_fmd.ingest.insert import RequestRow
from otel_fmd.ingest.names import NameRegistry
from otel_fmd.ingest.received import ReceivedBodies
from otel_fmd.requests.exception_secrets import ExceptionSecrets
from otel_fmd.requests.exceptions import ExceptionEvent, exceptions_of
from otel_fmd.requests.request import Request
from otel_fmd.store.exceptions import NO_ENDPOINT, RAW
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store

_MINUTE_US = 60_000_000


class Moved(NamedTuple):
    """An exception that was counted outside of the request that it turns out to belong to.

    `is_captured` is None if the request itself does not tell of it.
    """

    counted: Counted
    row: RequestRow
    variant_id: int
    is_captured: bool | None


class ExceptionWriter:
    """Writes exceptions; used by one thread at a time.

    Args:
        store: the database.
        names: ids of services and versions.
        redactor: hides secrets.
        rules: how exceptions are parsed and grouped.
    """

    def __init__(
        self, store: Store, names: NameRegistry, redactor: Redactor, rules: ExceptionRules
    ) -> None:
        self._names = names
        self._redactor = redactor
        self._variants = VariantRegistry(store, rules, ExceptionSecrets(redactor))
        self._rules = rules
        self._traces = StackTraceRegistry(store, redactor)
        self._users = ExceptionUsers(store)
        self._bodies = ReceivedBodies(store)
        self._sampler = OccurrenceSampler()
        self._recent = RecentExceptions()
        self._pending: list[tuple[ExceptionEvent, Counted]] = []
        self._moved: list[Moved] = []
        self._occurrence = store.tables.exception_occurrence
        self._run_many = store.database.run_many
        statements = Statements(store)
        self._insert_count = statements.insert(
            store.tables.exception_count,
            (
                "grain",
                "minute",
                "variant_id",
                "endpoint_id",
                "version_id",
                "count",
                "first_us",
                "last_us",
            ),
        ).statement
        self._insert_occurrence = statements.insert(
            self._occurrence,
            (
                "request_id",
                "exception_type_id",
                "exception_msg_id",
                "stack_trace_snapshot_id",
                "is_user_captured",
                "variant_id",
                "endpoint_id",
                "version_id",
                "time_us",
                "trace_id",
                "span_id",
                "user",
                "details",
            ),
        ).statement

    @property
    def waits(self) -> bool:
        """Whether exceptions were counted that may belong to requests that come later."""
        return self._recent.waits

    def forget(self) -> None:
        """Read everything again, after a write failed."""
        self._variants.forget()
        self._traces.forget()
        self._users.forget()

    def prepare(
        self, requests: Sequence[Request], others: Sequence[ExceptionEvent]
    ) -> PreparedExceptions:
        """Find out what the exceptions of a batch are; adds what their rows refer to.

        Args:
            requests: the requests of the batch, whose names are known.
            others: exceptions of other spans and of log records.
        """
        raising = [(r, exceptions_of(r)) for r in requests if r.span.has_events]
        raising = [(request, events) for request, events in raising if events]
        if not raising and not others:
            return NOTHING
        self._variants.refresh()
        self._traces.refresh()
        endpoints = self._names.endpoints
        told = self._recent.others(others, raising)
        everything = [*told, *(event for _, events in raising for event in events)]
        self._variants.add_all((one, self._names.service_id(one.service)) for one in everything)
        of_requests = {
            (request.trace_id, request.span_id): [
                self._occurred(event, endpoints[request.service, request.endpoint].id)
                for event in events
            ]
            for request, events in raising
        }
        found = [self._occurred(event, NO_ENDPOINT) for event in told]
        return PreparedExceptions(of_requests, found)

    def write(
        self,
        connection: Connection,
        prepared: PreparedExceptions,
        stored: Sequence[tuple[RequestRow, Request]],
    ) -> int:
        """Add the rows of the exceptions of new requests, and of all others that are new.

        Returns:
            How many there were.
        """
        taken: set[int] = set()
        new: list[tuple[Occurred, int | None]] = []
        self._pending, self._moved = [], []
        requests = {(r.trace_id, r.service): (row, r) for row, r in stored}
        for row, _ in stored:
            for one in prepared.of_requests.get((row.trace_id, row.span_id), ()):
                counted = self._recent.told(one.event, taken)
                if counted is None:
                    new.append((one, row.id))
                else:
                    self._moved.append(Moved(counted, row, one.variant_id, one.event.is_captured))
        for row, request in stored:
            for counted in self._recent.loose(request.trace_id, request.service, taken):
                self._moved.append(Moved(counted, row, counted.variant_id, None))
        known = self._bodies.add(connection, {one.event.body for one in prepared.others})
        for one in prepared.others:
            if one.event.body not in known:
                new.append(_within(one, requests))
        self._pending = [(one.event, _counted(one)) for one, _ in new]
        self._add_counts(connection, new)
        self._add_occurrences(connection, new)
        self._move(connection)
        self._users.write(connection, [(one.variant_id, one.event.user) for one, _ in new])
        return len(new)

    def committed(self) -> None:
        """Remember what the last `write` counted."""
        self._users.committed()
        for one in self._moved:
            one.counted.endpoint_id = one.row.endpoint_id
        self._recent.add(self._pending)
        self._pending, self._moved = [], []

    def _occurred(self, event: ExceptionEvent, endpoint_id: int) -> Occurred:
        service_id = self._names.service_id(event.service)
        version_id = self._names.version_id(event.version)
        variant_id = self._variants.variant_of(event, service_id)
        kept = None
        if self._sampler.keeps(variant_id, version_id, endpoint_id):
            kept = kept_of(event, self._rules.parsed(event), self._traces, self._redactor)
        return Occurred(event, variant_id, version_id, endpoint_id, kept)

    def _add_counts(
        self, connection: Connection, new: Sequence[tuple[Occurred, int | None]]
    ) -> None:
        counts: dict[tuple[int, int, int, int], list[int]] = {}

        def add(key: tuple[int, int, int], time_us: int, number: int) -> None:
            row = counts.setdefault((time_us // _MINUTE_US, *key), [0, time_us, time_us])
            row[0] += number
            row[1], row[2] = min(row[1], time_us), max(row[2], time_us)

        for one, _ in new:
            add((one.variant_id, one.endpoint_id, one.version_id), one.event.time_us, 1)
        for moved in self._moved:
            old = moved.counted
            add((old.variant_id, NO_ENDPOINT, old.version_id), old.time_us, -1)
            add((moved.variant_id, moved.row.endpoint_id, old.version_id), old.time_us, 1)
        rows = [(RAW, *key, *values) for key, values in sorted(counts.items())]
        self._run_many(connection, self._insert_count, rows)

    def _add_occurrences(
        self, connection: Connection, new: Sequence[tuple[Occurred, int | None]]
    ) -> None:
        rows = []
        for one, request_id in new:
            if one.kept is not None:
                event, kept = one.event, one.kept
                rows.append(
                    (
                        request_id,
                        kept.type_id,
                        kept.message_id,
                        kept.stack_trace_id,
                        event.is_captured,
                        one.variant_id,
                        one.endpoint_id,
                        one.version_id,
                        event.time_us,
                        event.trace_id or None,
                        event.span_id or None,
                        event.user,
                        kept.details,
                    )
                )
        self._run_many(connection, self._insert_occurrence, rows)

    def _move(self, connection: Connection) -> None:
        """Give occurrences to the request that they turned out to belong to."""
        column = self._occurrence.c
        for counted, row, variant_id, is_captured in self._moved:
            of_span = select(column.id).where(
                column.trace_id == row.trace_id,
                column.span_id == counted.span_id,
                column.variant_id == counted.variant_id,
                column.request_id.is_(None),
            )
            ids = connection.execute(of_span).scalars().all()
            values: dict[str, Any] = {"request_id": row.id, "endpoint_id": row.endpoint_id}
            if is_captured is not None:
                values["is_user_captured"] = is_captured
            connection.execute(
                update(self._occurrence)
                .where(column.id.in_(ids))
                .values(**values, variant_id=variant_id)
            )


def _within(
    one: Occurred, requests: Mapping[tuple[bytes, str], tuple[RequestRow, Request]]
) -> tuple[Occurred, int | None]:
    """An exception with the request of the batch that it belongs to, if there is one."""
    found = requests.get((one.event.trace_id, one.event.service))
    if found is None:
        return one, None
    row, request = found
    event = one.event._replace(user=one.event.user or request.group_by)
    return one._replace(event=event, endpoint_id=row.endpoint_id), row.id


def _counted(one: Occurred) -> Counted:
    event = one.event
    return Counted(
        event.span_id,
        one.variant_id,
        one.version_id,
        one.endpoint_id,
        event.time_us,
        event.is_record,
    )
