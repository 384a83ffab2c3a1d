"""Writes a batch, with everything that belongs to it, in one transaction."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from otel_fmd.analysis.outliers import OutlierRule, RunningMean
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.request_id import request_id
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.details import DetailWriter
from otel_fmd.ingest.endpoint_counts import EndpointCounts
from otel_fmd.ingest.exceptions.occurrences import PreparedExceptions
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.exceptions.writer import ExceptionWriter
from otel_fmd.ingest.insert import Inserter, RequestRow
from otel_fmd.ingest.logs import LogRow, LogWriter
from otel_fmd.ingest.means import load_means
from otel_fmd.ingest.names import NameLimits, NameRegistry
from otel_fmd.ingest.points import PointWriter
from otel_fmd.ingest.series import SeriesLimits, SeriesRegistry
from otel_fmd.requests.request import Request
from otel_fmd.store.delta import NO_STATUS, Columns, pack
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_log = logging.getLogger(__name__)
_ATTEMPTS = 8
_BACKOFF_S = 0.02
_jitter = random.SystemRandom()
_DEFAULT_RULES = ExceptionRules()
_tuple: Any = tuple.__new__

LEVEL_SEEN, LEVEL_REQUESTS, LEVEL_OUTLIERS, LEVEL_PROFILES = range(4)


class Written(NamedTuple):
    """The result of writing a batch."""

    stored: int
    duplicates: int
    outliers: int
    seen_only: int
    other_endpoints: int
    exceptions: int = 0
    points: int = 0
    points_dropped: int = 0
    records: int = 0
    records_duplicates: int = 0


class Prepared(NamedTuple):
    """A request with its row and its monitor level."""

    row: RequestRow
    request: Request
    level: int


class Finished(NamedTuple):
    """What the transaction of a batch found; the new means, and the columns of its delta."""

    outliers: int
    exceptions: int
    means: dict[int, RunningMean]
    columns: Columns


class _SomeKnown(Exception):  # noqa: N818 - control flow within this module
    """Not all rows of the batch were new."""


class BatchWriter:
    """Writes batches; used by one thread at a time.

    Args:
        store: the database, with its schema in place.
        rule: when a request that no agent judged is an outlier.
        default_level: the monitor level of new endpoints.
        limits: how many names are kept.
        redactor: hides secrets in outliers and profiles; None: by the usual names only.
        counts: counts what was stored, by endpoint; None: nobody does.
        exceptions: how exceptions are parsed and grouped.
        series_limits: how many metrics and series are kept.
    """

    def __init__(
        self,
        store: Store,
        rule: OutlierRule,
        default_level: int = LEVEL_OUTLIERS,
        limits: NameLimits | None = None,
        redactor: Redactor | None = None,
        counts: EndpointCounts | None = None,
        exceptions: ExceptionRules = _DEFAULT_RULES,
        series_limits: SeriesLimits | None = None,
    ) -> None:
        self._store = store
        self._rule = rule
        self._counts = counts
        self.names = NameRegistry(store, default_level, limits)
        self._inserter = Inserter(store)
        redactor = redactor or Redactor()
        self._details = DetailWriter(store, redactor)
        self._exceptions = ExceptionWriter(store, self.names, redactor, exceptions)
        registry = SeriesRegistry(store, self.names, redactor, series_limits or SeriesLimits())
        self._points = PointWriter(store, registry)
        self._logs = LogWriter(store, self.names, redactor)
        self._means: dict[int, RunningMean] | None = None
        self._insert_delta = (
            Statements(store)
            .insert(store.tables.delta, ("created_us", "count", "payload"))
            .statement
        )

    def write(self, batch: Batch) -> Written:
        """Store a batch; when it returns, its rows are durable.

        Deadlocks, serialization and certification failures are tried again, with backoff.

        Raises:
            StoreUnavailableError: the store cannot take them now; nothing of them was stored.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._write(batch)
            except StoreUnavailableError:
                self.names.forget()
                self._exceptions.forget()
                self._points.forget()
                if attempt == _ATTEMPTS - 1 or self._store.database.has_one_writer:
                    raise
                _log.debug("batch is tried again", exc_info=True)
                time.sleep(_BACKOFF_S * 2**attempt * (0.5 + _jitter.random()))
        raise AssertionError("unreachable")

    def _write(self, whole: Batch) -> Written:
        requests = whole.requests
        if self._means is None:
            self._means = load_means(self._store)
        self.names.prepare({(r.service, r.endpoint, r.version): r for r in requests})
        resolved = self._points.prepare(whole.points)
        batch, seen = self._prepare(requests)
        raised = self._exceptions.prepare([item.request for item in batch], whole.exceptions)
        rows, logs = [item.row for item in batch], self._logs.prepare(whole.records)
        new_logs = logs
        try:
            with self._store.write() as connection:
                if not self._insert(connection, rows, logs):
                    raise _SomeKnown
                done = self._finish(connection, batch, seen, raised)
                points = self._points.write(connection, whole.points, resolved)
        except _SomeKnown:
            with self._store.write() as connection:
                places, fresh = self._inserter.resolve(connection, rows)
                new_logs = self._logs.resolve(connection, logs)
                if not self._insert(connection, fresh, new_logs):
                    raise StoreUnavailableError("another writer took the same ids") from None
                batch = [
                    batch[place]._replace(row=row) for place, row in zip(places, fresh, strict=True)
                ]
                done = self._finish(connection, batch, seen, raised)
                points = self._points.write(connection, whole.points, resolved)
        if self._counts is not None and batch:
            self._count(self._counts, batch, done)
        self._means.update(done.means)
        self._exceptions.committed()
        seen_only = len(requests) - len(rows)
        return Written(
            len(batch),
            len(rows) - len(batch),
            done.outliers,
            seen_only,
            self._others(requests),
            done.exceptions,
            *points,
            len(new_logs),
            len(whole.records) - len(new_logs),
        )

    def _insert(
        self, connection: Connection, rows: Sequence[RequestRow], logs: Sequence[LogRow]
    ) -> bool:
        """Insert requests and log records; False when some were known."""
        return self._inserter.insert_all(connection, rows) and self._logs.insert_all(
            connection, logs
        )

    def _count(self, counts: EndpointCounts, batch: Sequence[Prepared], done: Finished) -> None:
        """Count a stored batch, by the columns and the sums that its transaction needed anyway."""
        assert self._means is not None
        new = counts.unnamed(done.means)
        if new:
            others = self.names.others
            named = {row[1]: (request.service, request.endpoint) for row, request, _ in batch}
            counts.name({number: others.get(named[number], named[number]) for number in new})
        before, none = self._means, RunningMean()
        sums_ns = {
            number: mean.sum_ns - before.get(number, none).sum_ns
            for number, mean in done.means.items()
        }
        columns = done.columns
        counts.add(columns.endpoint_ids, columns.status_codes, columns.durations_ns, sums_ns)

    def _others(self, requests: Sequence[Request]) -> int:
        """How many have a name above a limit."""
        endpoints, versions = self.names.others, self.names.other_versions
        if not endpoints and not versions:
            return 0
        return sum((r.service, r.endpoint) in endpoints or r.version in versions for r in requests)

    def _prepare(self, requests: Sequence[Request]) -> tuple[list[Prepared], dict[int, int]]:
        endpoints = self.names.endpoints
        batch: list[Prepared] = []
        seen: dict[int, int] = {}
        second, text = -1, ""
        other_versions = self.names.other_versions
        for request in requests:
            (
                service,
                endpoint,
                version,
                start_us,
                duration_ns,
                status,
                user,
                ip,
                trace_id,
                span_id,
                _,
                _,
                first_byte_ns,
                _,
            ) = request
            endpoint_id, level = endpoints[service, endpoint]
            if level <= LEVEL_SEEN:
                seen[endpoint_id] = max(seen.get(endpoint_id, 0), start_us)
                continue
            if other_versions:
                version = other_versions.get(version, version)
            if start_us // 1_000_000 != second:
                second = start_us // 1_000_000
                text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S.")
            # As RequestRow(...) and Prepared(...), without the call of their constructors.
            row = _tuple(
                RequestRow,
                (
                    request_id(start_us, trace_id, span_id),
                    endpoint_id,
                    duration_ns / 1e6,
                    f"{text}{start_us % 1_000_000:06d}",
                    version,
                    user,
                    ip,
                    status,
                    trace_id,
                    span_id,
                    None if first_byte_ns is None else first_byte_ns / 1e6,
                ),
            )
            batch.append(_tuple(Prepared, (row, request, level)))
        # Writers that insert in the same order cannot deadlock.
        batch.sort(key=itemgetter(0))
        return batch, seen

    def _finish(
        self,
        connection: Connection,
        batch: Sequence[Prepared],
        seen: dict[int, int],
        raised: PreparedExceptions,
    ) -> Finished:
        """Everything of the batch besides its requests."""
        outliers, means = self._judge(batch)
        profiled = [
            item for item in batch if item.level >= LEVEL_PROFILES and item.request.has_profile
        ]
        self._details.write(
            connection,
            [(item.row, item.request) for item in outliers],
            [(item.row, item.request) for item in profiled],
        )
        exceptions = 0
        if not raised.is_empty or self._exceptions.waits:
            stored = [(item.row, item.request) for item in batch]
            exceptions = self._exceptions.write(connection, raised, stored)
        columns = self._columns(batch, seen)
        if batch or seen:
            values = (now_us(), len(batch), pack(columns))
            connection.exec_driver_sql(self._insert_delta, values)
        return Finished(len(outliers), exceptions, means, columns)

    def _columns(self, batch: Sequence[Prepared], seen: dict[int, int]) -> Columns:
        """The delta of a batch."""
        if not batch:
            return Columns((), (), (), (), (), (), (), seen)
        rows, requests, _ = zip(*batch, strict=True)
        _, _, versions, starts_us, durations_ns, statuses, users, ips, *_ = zip(
            *requests, strict=True
        )
        return Columns(
            [row[1] for row in rows],
            list(map(self.names.versions.__getitem__, versions)),
            [status or NO_STATUS for status in statuses],
            starts_us,
            durations_ns,
            [user or "" for user in users],
            ips,
            seen,
        )

    def _judge(self, batch: Sequence[Prepared]) -> tuple[list[Prepared], dict[int, RunningMean]]:
        """The outliers of a batch, and the means of its endpoints after it."""
        assert self._means is not None
        constant, least = self._rule.constant, max(1, self._rule.min_requests)
        means: dict[int, RunningMean] = {}
        outliers: list[Prepared] = []
        for item in batch:
            row, request, level = item
            endpoint_id, duration_ns = row[1], request[4]
            mean = means.get(endpoint_id)
            if mean is None:
                known = self._means.get(endpoint_id)
                mean = RunningMean(known.count, known.sum_ns) if known else RunningMean()
                means[endpoint_id] = mean
            if request.level is not None:
                found = request.span.has_events and request.has_outlier
            else:
                # OutlierRule.is_outlier, without a call for each request.
                count = mean.count
                found = count >= least and duration_ns * count > constant * mean.sum_ns
            mean.count += 1
            mean.sum_ns += duration_ns
            if found and level >= LEVEL_OUTLIERS:
                outliers.append(item)
        return outliers, means
