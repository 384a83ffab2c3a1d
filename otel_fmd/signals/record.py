"""The neutral span record that every way in produces.

A record is cheap to make: attributes and events stay in the encoding they came in (`raw`) until
somebody asks for them through `source`, because most spans of a trace are not requests and are
never looked at. Times are unix nanoseconds, ids are raw bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple, Protocol

AttributeValue = Any
"""str, bool, int, float, bytes, or a list of those, as in the OpenTelemetry specification."""


class SpanKind:
    """The integer values of `opentelemetry.proto.trace.v1.Span.SpanKind`."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Resource(NamedTuple):
    """What made the spans: the attributes of an OTel resource."""

    attributes: Mapping[str, AttributeValue]


class Event(NamedTuple):
    """A span event."""

    name: str
    time_ns: int
    attributes: Mapping[str, AttributeValue]


class SpanSource(Protocol):
    """Reads the parts of a span that are decoded on demand, from one encoding."""

    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        """The span's attributes; only those in `wanted` unless it is None."""

    def events(self, raw: Any) -> Iterable[Event]:
        """The span's events, oldest first."""


class Span(NamedTuple):
    """One ended span, its attributes not yet decoded."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: str
    kind: int
    start_ns: int
    end_ns: int
    is_error: bool
    has_events: bool
    has_local_parent: bool
    resource: Resource
    raw: Any
    source: SpanSource
