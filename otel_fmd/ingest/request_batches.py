"""Batches of requests, from spans and from what an app's own process offers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.log_limit import LogLimit
from otel_fmd.requests.ended import EndedRequest
from otel_fmd.requests.exceptions import ExceptionEvent, exceptions_of_spans
from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import Translator
from otel_fmd.signals import semconv
from otel_fmd.signals.log_record import LogRecord
from otel_fmd.signals.record import Span

_log = logging.getLogger(__name__)


class RequestBatches:
    """Builds batches of requests.

    Args:
        translator: makes requests of spans.
        logs: bounds log records that are offered.
    """

    def __init__(self, translator: Translator, logs: LogBatches | None = None) -> None:
        self._translator = translator
        self._logs = logs or LogBatches()
        self._log_limit = LogLimit()

    def of_spans(self, spans: Iterable[Span]) -> Batch:
        """The requests among spans; may be called from any thread, never blocks."""
        requests, not_kept, clock_errors, with_events = self._translator.translate(spans)
        exceptions = exceptions_of_spans(with_events, self._translator) if with_events else ()
        counts = {"not_kept": not_kept, "clock_errors": clock_errors}
        return Batch(requests, counts, exceptions)

    def of_offered(self, offered: Sequence[Any]) -> Batch:
        """Items as `request_of` made them, and log records; invalid ones are dropped."""
        requests: list[Request] = []
        exceptions: list[ExceptionEvent] = []
        records: list[LogRecord] = []
        dropped = clock_errors = 0
        for item in offered:
            if isinstance(item, LogRecord):
                records.append(item)
                continue
            try:
                if isinstance(item, Span):
                    exceptions += exceptions_of_spans([item], self._translator)
                    continue
                made = self._made(item)
            except Exception:
                dropped += 1
                if self._log_limit.allows():
                    _log.warning("a request was dropped: it could not be translated", exc_info=True)
                continue
            if not made.duration_ns and made.status_code != semconv.SWITCHING_PROTOCOLS:
                clock_errors += 1
            requests.append(made)
        counts = {"dropped": dropped, "clock_errors": clock_errors}
        if not records:
            return Batch(requests, counts, exceptions)
        logs = self._logs.of_records(records)
        exceptions += logs.exceptions
        return Batch(requests, {**counts, **logs.counts}, exceptions, records=logs.records)

    def _made(self, item: Request | EndedRequest) -> Request:
        return item if isinstance(item, Request) else item.request(self._translator)
