"""Log records for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from otel_fmd.queries.logs import LogEntry
from otel_fmd.signals.log_record import severity_name
from otel_fmd.views.api.look import moment
from otel_fmd.views.logs import Logs
from otel_fmd.views.look import Look


@dataclass(slots=True)
class LogRecord:
    """A log record.

    Args:
        id: its id; a string, as JavaScript has no integers of 64 bits.
        time: when it happened.
        service: the service that logged it.
        severity: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`; empty if unknown.
        severity_number: 1 to 24, as OpenTelemetry numbers them; 0 if unknown.
        logger: the name of its logger.
        event: the name of the event that it is; empty if it is none.
        text: what it says; JSON if it is no text.
        attributes: its attributes, secrets hidden.
        trace_id: its trace, in hex; empty if it has none.
        span_id: its span, in hex; empty if it has none.
    """

    id: str
    time: datetime
    service: str
    severity: str
    severity_number: int
    logger: str
    event: str
    text: str
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str


def page(data: Logs, _look: Look) -> Iterator[LogRecord]:
    """Of a page of records."""
    return map(log_record, data.found)


def log_record(one: LogEntry) -> LogRecord:
    """Of one record."""
    return LogRecord(
        str(one.id),
        moment(one.time_us),
        one.service,
        severity_name(one.severity),
        one.severity,
        one.logger,
        one.event,
        one.body,
        one.attributes,
        one.trace_id,
        one.span_id,
    )
