"""The neutral log record that every way in produces.

Body and attributes stay in the encoding they came in (`raw`) until they are needed, through
`source`, as those of spans: most records are not kept. Times are unix nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, NamedTuple, Protocol

from otel_fmd.signals.record import AttributeValue, Resource
from otel_fmd.signals.semconv import EVENT_EXCEPTION

SAMPLED = 1
"""The trace flag of a trace that is recorded."""
EXCEPTION_ATTRIBUTES = frozenset(["exception.type", "exception.stacktrace", "exception.message"])
SEVERITIES: Mapping[str, int] = {
    "TRACE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "WARN": 13,
    "ERROR": 17,
    "FATAL": 21,
}
"""The least number of each severity.

Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
"""


def severity_name(number: int) -> str:
    """The name of a severity's range; '' when it is not known."""
    found = ""
    for name, least in SEVERITIES.items():
        if number >= least:
            found = name
    return found


class LogSource(Protocol):
    """Reads the parts of a log record that are decoded on demand, from one encoding."""

    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        """The record's attributes; only those in `wanted` unless it is None."""

    def body(self, raw: Any) -> AttributeValue:
        """What it says: usually a text, also a map."""


class LogRecord(NamedTuple):
    """One log record, its body and attributes not yet decoded.

    Args:
        time_ns: when it happened, else when it was first seen.
        severity: 1 to 24; 0 when not known.
        severity_text: as its library calls it.
        event_name: of an event; '' of other records.
        trace_id: 16 bytes, or b''.
        span_id: 8 bytes, or b''.
        is_sampled: whether its trace is recorded.
        resource: what made it.
        scope: the logger's name.
        raw: the rest, for `source`.
        source: reads `raw`.
    """

    time_ns: int
    severity: int
    severity_text: str
    event_name: str
    trace_id: bytes
    span_id: bytes
    is_sampled: bool
    resource: Resource
    scope: str
    raw: Any
    source: LogSource

    def attributes(self, wanted: Set[str] | None = None) -> dict[str, AttributeValue]:
        """Its attributes; only those in `wanted` unless it is None."""
        return self.source.attributes(self.raw, wanted)

    def body(self) -> AttributeValue:
        """What it says."""
        return self.source.body(self.raw)

    @property
    def is_exception(self) -> bool:
        """Whether it is the record of an exception.

        Source: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
        """
        if self.event_name == EVENT_EXCEPTION:
            return True
        found = self.attributes(EXCEPTION_ATTRIBUTES)
        return "exception.type" in found or "exception.stacktrace" in found
