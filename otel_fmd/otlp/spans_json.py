"""OTLP/JSON trace requests as neutral spans.

The document is walked down to its spans, and one span at a time is decoded into objects, never the
whole of it: a JSON text takes up to forty times its bytes as objects. A span that cannot be used is
rejected alone.
Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Iterable, Set
from typing import Any

from otel_fmd.otlp.errors import TooLargeError
from otel_fmd.otlp.json_reader import JsonReader
from otel_fmd.otlp.signal import MOST_RECORDS
from otel_fmd.otlp.spans_protobuf import (
    ENTRY_OR_INTERNAL,
    MOST_EVENTS,
    RECORD_BYTES,
    REMOTE_PARENT,
    STATUS_ERROR,
    ZERO_SPAN,
    ZERO_TRACE,
    DecodedSpans,
    free,
)
from otel_fmd.otlp.values import MOST_PAIRS, json_pairs, whole_number, whole_text
from otel_fmd.signals.record import AttributeValue, Event, Resource, Span


class _JsonSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        return json_pairs(_document(raw).get("attributes"))

    def events(self, raw: Any) -> Iterable[Event]:
        return _events(_document(raw))


_SOURCE = _JsonSource()
_COUNTED_AT_ONCE = 1024


def decode_json(
    body: bytes, most_spans: int = MOST_RECORDS, growing: Callable[[int], None] = free
) -> DecodedSpans:
    """Spans of an OTLP/JSON `ExportTraceServiceRequest`.

    `growing` is called with a number of bytes before they are allocated; it may raise.

    Raises:
        BadDataError: the body is no such document.
        TooLargeError: it holds more than `most_spans` objects down to its spans.
    """
    decoder = _Decoder(body, most_spans, growing)
    decoder.request()
    return DecodedSpans(decoder.spans, decoder.rejected, decoder.reason)


class _Decoder:
    """Reads one document; counts what it holds as it goes."""

    def __init__(self, body: bytes, most_spans: int, growing: Callable[[int], None]) -> None:
        self._growing = growing
        self._reader = JsonReader(body)
        self._left = self._most = most_spans
        self.spans: list[Span] = []
        self.rejected = 0
        self.reason = ""

    def request(self) -> None:
        """The whole document."""
        reader = self._reader
        for key in reader.object_keys():
            if key != "resourceSpans":
                reader.skip()
                continue
            for _ in reader.items():
                self._count()
                if self._is("{", "an item of resourceSpans must be an object"):
                    self._resource_spans()
        reader.end()

    def _resource_spans(self) -> None:
        reader = self._reader
        # Filled in when it is read, which may be after its spans.
        attributes: dict[str, AttributeValue] = {}
        resource = Resource(attributes)
        for key in reader.object_keys():
            if key == "resource":
                attributes.update(self._resource())
            elif key == "scopeSpans" and self._is("[n", "scopeSpans must be a list"):
                for _ in reader.items():
                    self._count()
                    if self._is("{", "an item of scopeSpans must be an object"):
                        self._scope_spans(resource)
            elif key == "scopeSpans":
                continue
            else:
                reader.skip()

    def _resource(self) -> dict[str, AttributeValue]:
        """Attributes of a resource; one that cannot be read takes neither others nor spans."""
        try:
            value = self._reader.value()[0]
            if value is None:
                return {}
            if not isinstance(value, dict):
                raise ValueError(f"it must be an object; got {str(value)[:50]!a}")
            pairs = value.get("attributes") or []
            if not isinstance(pairs, list):
                raise ValueError(f"attributes must be a list; got {str(pairs)[:50]!a}")
        except ValueError as error:
            self.reason = self.reason or f"a resource: {error}"
            return {}
        found: dict[str, AttributeValue] = {}
        for pair in pairs[:MOST_PAIRS]:
            try:
                found.update(json_pairs([pair]))
            except ValueError as error:
                self.reason = self.reason or f"a resource: {error}"
        return found

    def _scope_spans(self, resource: Resource) -> None:
        reader = self._reader
        for key in reader.object_keys():
            if key != "spans":
                reader.skip()
                continue
            if not self._is("[n", "spans must be a list"):
                continue
            for _ in reader.items():
                self._count()
                span: Any = None
                try:
                    span, raw = reader.value()
                    self.spans.append(_span_of(span, raw, resource))
                except ValueError as error:
                    name = span.get("name") if isinstance(span, dict) else span
                    which = "a span" if name is None else f"span {str(name)[:100]!a}"
                    self.rejected += 1
                    self.reason = self.reason or f"{which}: {error}"

    def _is(self, firsts: str, expected: str) -> bool:
        """Whether what comes next begins so; else it is skipped, which costs no other span."""
        if self._reader.next_is(firsts):
            return True
        self._reader.skip()
        self.reason = self.reason or expected
        return False

    def _count(self) -> None:
        if self._left % _COUNTED_AT_ONCE == 0:
            self._growing(_COUNTED_AT_ONCE * RECORD_BYTES)
        self._left -= 1
        if self._left < 0:
            raise TooLargeError(f"the body holds more than {self._most} spans")


def _document(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw.decode("utf-8", "replace"))
    return found


def _span_of(span: Any, raw: bytes, resource: Resource) -> Span:
    """The record of a span.

    Raises:
        ValueError: it cannot be used; the message says why.
    """
    if not isinstance(span, dict):
        raise ValueError("it must be an object")
    kind = _enum(span, "kind", "kind")
    status = span.get("status")
    if not isinstance(status, dict | None):
        raise ValueError(f"status must be an object; got {str(status)[:50]!a}")
    code = _enum(status or {}, "code", "status.code")
    trace_id = _id(span, "traceId", 16, ZERO_TRACE)
    span_id = _id(span, "spanId", 8, ZERO_SPAN)
    try:
        parent = binascii.unhexlify(span.get("parentSpanId") or "")
    except (TypeError, ValueError):
        parent = b""
    times = []
    for key in ("startTimeUnixNano", "endTimeUnixNano"):
        try:
            times.append(whole_number(span.get(key), 1, 2**64 - 1))
        except ValueError as error:
            raise ValueError(f"{key}, in nanoseconds: {error}") from None
    name = whole_text(span.get("name") or "")
    flags = whole_number(span.get("flags") or 0, 0, 2**32 - 1)
    json_pairs(span.get("attributes"))
    events = _events(span)
    return Span(
        trace_id,
        span_id,
        parent,
        name,
        kind,
        times[0],
        times[1],
        code == STATUS_ERROR,
        bool(events),
        bool(parent) and flags & REMOTE_PARENT != REMOTE_PARENT,
        resource,
        raw if kind in ENTRY_OR_INTERNAL or events else b"",
        _SOURCE,
    )


def _enum(holder: dict[str, Any], key: str, field: str) -> int:
    value = holder.get(key) or 0
    if isinstance(value, str):
        raise ValueError(f"{field}: enums are integers in OTLP/JSON; got {value[:50]!a}")
    return whole_number(value, -(2**31), 2**31 - 1)


def _id(span: dict[str, Any], key: str, length: int, zero: bytes) -> bytes:
    text = span.get(key, "")
    try:
        found = binascii.unhexlify(text)
    except (TypeError, ValueError):
        raise ValueError(f"{key} must be hex; got {str(text)[:50]!a}") from None
    if len(found) != length or found == zero:
        got = found[:32].hex()
        raise ValueError(f"{key} must be {length} bytes in hex, not all zero; got {got!r}")
    return found


def _events(span: dict[str, Any]) -> list[Event]:
    events = span.get("events")
    if events is None:
        return []
    if not isinstance(events, list):
        raise ValueError(f"events must be a list; got {str(events)[:50]!a}")
    found: list[Event] = []
    for event in events[:MOST_EVENTS]:
        if not isinstance(event, dict):
            raise ValueError(f"an event must be an object; got {str(event)[:50]!a}")
        name = whole_text(event.get("name") or "")
        time_ns = whole_number(event.get("timeUnixNano") or 0, 0, 2**64 - 1)
        found.append(Event(name, time_ns, json_pairs(event.get("attributes"))))
    return found
