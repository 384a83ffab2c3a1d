"""The neutral span record that every way in produces.

A record is cheap to make: attributes and events stay in the encoding they came in (`raw`) until
they are needed, through `source`, because most spans of a trace are not requests and are
never read. Times are unix nanoseconds, ids are raw bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple, Protocol

AttributeValue = Any
"""str, bool, int, float, bytes, or a list of those, as in the OpenTelemetry specification."""


def as_text(value: AttributeValue) -> str:
    """A value where a text is wanted: as it is, or as JSON writes it; bytes are UTF-8 or base64.

    Source: https://opentelemetry.io/docs/specs/otel/common/#anyvalue-representation-for-non-otlp-protocols
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return json.dumps(value, ensure_ascii=False, default=as_text)


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
