"""OTLP trace requests in protobuf as neutral spans.

Only the head of each span is decoded; the rest of an entry span stays encoded until it is needed
(that of a child never is). A span that cannot be used is rejected alone; a body whose spans cannot
be found raises `BadDataError`, one that would cost too much `TooLargeError`, before anything is
decoded.
Source: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.messages import Event as EventMessage
from otel_fmd.otlp.messages import SpanAttributes, SpanHead, Status
from otel_fmd.otlp.signal import MOST_RECORDS
from otel_fmd.otlp.values import MOST_PAIRS, pairs_of, text_of, value_of
from otel_fmd.otlp.wire import (
    PAIRS,
    RESOURCE,
    RESOURCE_SPANS,
    SCOPE_SPANS,
    SPAN_ATTRIBUTES,
    SPAN_EVENTS,
    SPAN_LINKS,
    SPANS,
    Place,
    fields,
    trimmed,
)
from otel_fmd.signals.record import AttributeValue, Event, Resource, Span, SpanKind

ZERO_TRACE = bytes(16)
ZERO_SPAN = bytes(8)
REMOTE_PARENT = 0x300
"""Flags of a span: where its parent is is known (0x100), and it is remote (0x200)."""
STATUS_ERROR = 2
MOST_EVENTS = 1_000
_LARGE = 64 * 1024
_LARGE_LIMITS = {SPAN_ATTRIBUTES: MOST_PAIRS, SPAN_EVENTS: MOST_EVENTS, SPAN_LINKS: 0}
_MOST_FIELDS = 65_536
ENTRY_OR_INTERNAL = frozenset([SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CONSUMER])
"""Kinds of spans of which more than the head may be needed later."""
RECORD_BYTES = 600
"""What a span and its request take in memory, in addition to their bytes on the wire."""
_span: Any = tuple.__new__


class DecodedSpans(NamedTuple):
    """The usable spans of a request, how many were rejected, and the first thing that was wrong.

    `reason` may also name a fault that cost no span: an unreadable attribute of a resource.
    """

    spans: list[Span]
    rejected: int
    reason: str

    @property
    def records(self) -> list[Span]:
        """The spans."""
        return self.spans

    @property
    def memory(self) -> int:
        """About how many bytes they take while they wait."""
        return sum(len(span.raw) + RECORD_BYTES for span in self.spans if span.raw)


class _ProtoSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        if wanted is None:
            return self._all(raw)
        found: dict[str, AttributeValue] = {}
        if len(wanted) == 1 and not any(key.encode() in raw for key in wanted):
            return found
        try:
            attributes = SpanAttributes.FromString(raw).attributes
        except DecodeError:
            whole = self._all(raw)
            return {key: whole[key] for key in wanted if key in whole}
        for key in wanted:
            if key in attributes:
                value = attributes[key]
                # The two usual kinds first: WhichOneof costs more than both checks together.
                text = value.string_value
                if type(text) is not str:
                    text = text_of(text)
                found[key] = text or value.int_value or value_of(value)
        return found

    def _all(self, raw: bytes) -> dict[str, AttributeValue]:
        """Every attribute that can be read; one that cannot takes no other with it."""
        try:
            places = fields(raw, 0, len(raw), _MOST_FIELDS)
        except (BadDataError, TooLargeError):
            return {}
        parts = [raw[begin:end] for tag, begin, end in places if tag == SPAN_ATTRIBUTES]
        try:
            return pairs_of(parts)
        except DecodeError:
            found: dict[str, AttributeValue] = {}
            for part in parts:
                with suppress(DecodeError):
                    found.update(pairs_of([part]))
            return found

    def events(self, raw: Any) -> Iterable[Event]:
        found: list[Event] = []
        for part in SpanHead.FromString(raw).events[:MOST_EVENTS]:
            with suppress(DecodeError):
                event = EventMessage.FromString(part)
                attributes = pairs_of(event.attributes[:MOST_PAIRS])
                found.append(Event(text_of(event.name), event.time_unix_nano, attributes))
        return found


_SOURCE = _ProtoSource()


def free(_: int) -> None:
    """Count no memory."""


def decode_protobuf(
    body: bytes, most_spans: int = MOST_RECORDS, growing: Callable[[int], None] = free
) -> DecodedSpans:
    """Spans of a protobuf `ExportTraceServiceRequest`.

    `growing` is called with a number of bytes before they are allocated; it may raise.

    Raises:
        BadDataError: the body is no such message.
        TooLargeError: it holds more than `most_spans` messages down to its spans.
    """
    decoder = _Decoder(body, most_spans, growing)
    for tag, begin, end in decoder.fields(0, len(body)):
        if tag == RESOURCE_SPANS:
            decoder.resource_spans(begin, end)
    return DecodedSpans(decoder.spans, decoder.rejected, decoder.reason)


class _Decoder:
    """Reads one body; counts what it holds as it goes."""

    def __init__(self, body: bytes, most_spans: int, growing: Callable[[int], None]) -> None:
        self._body = body
        self._growing = growing
        self._left = self._most = most_spans
        self.spans: list[Span] = []
        self.rejected = 0
        self.reason = ""

    def fields(self, start: int, end: int) -> list[Place]:
        """The fields of a message, taken from those that the body may hold."""
        try:
            found = fields(self._body, start, end, self._left)
        except TooLargeError:
            raise TooLargeError(f"the body holds more than {self._most} spans") from None
        self._left -= len(found)
        self._growing(len(found) * RECORD_BYTES)
        return found

    def resource_spans(self, start: int, end: int) -> None:
        """The spans of one `ResourceSpans`."""
        parts = self.fields(start, end)
        attributes: dict[str, AttributeValue] = {}
        for tag, begin, stop in parts:
            if tag == RESOURCE:
                attributes.update(self._resource(begin, stop))
        resource = Resource(attributes)
        for tag, begin, stop in parts:
            if tag == SCOPE_SPANS:
                self._spans(self.fields(begin, stop), resource)

    def _resource(self, start: int, end: int) -> dict[str, AttributeValue]:
        """Attributes of a resource; one that cannot be read takes neither others nor spans."""
        body = self._body
        found: dict[str, AttributeValue] = {}
        for tag, begin, stop in fields(body, start, end, _MOST_FIELDS)[:MOST_PAIRS]:
            if tag == PAIRS:
                try:
                    found.update(pairs_of([body[begin:stop]]))
                except DecodeError as error:
                    self.reason = self.reason or f"an attribute of a resource: {error}"
        return found

    def _spans(self, places: list[Place], resource: Resource) -> None:
        body, read, add = self._body, SpanHead.FromString, self.spans.append
        for tag, begin, end in places:
            if tag != SPANS:
                continue
            try:
                if end - begin > _LARGE:
                    raw = trimmed(body, begin, end, _MOST_FIELDS, _LARGE_LIMITS)
                else:
                    raw = body[begin:end]
                head = read(raw)
            except (DecodeError, BadDataError, TooLargeError) as error:
                self._reject(f"a span: {error}")
                continue
            trace_id, span_id = head.trace_id, head.span_id
            start_ns, end_ns, kind = head.start_time_unix_nano, head.end_time_unix_nano, head.kind
            if (
                len(trace_id) != 16
                or len(span_id) != 8
                or not start_ns
                or not end_ns
                or trace_id == ZERO_TRACE
                or span_id == ZERO_SPAN
            ):
                self._reject(_why_rejected(head))
                continue
            parent, name, status = head.parent_span_id, head.name, head.status
            # As Span(...), without the call of its constructor.
            add(
                _span(
                    Span,
                    (
                        trace_id,
                        span_id,
                        parent,
                        name if type(name) is str else text_of(name),
                        kind,
                        start_ns,
                        end_ns,
                        _is_error(status) if status else False,
                        bool(head.events),
                        bool(parent) and head.flags & REMOTE_PARENT != REMOTE_PARENT,
                        resource,
                        raw if kind in ENTRY_OR_INTERNAL or head.events else b"",
                        _SOURCE,
                    ),
                )
            )

    def _reject(self, why: str) -> None:
        self.rejected += 1
        self.reason = self.reason or why


def _is_error(status: bytes) -> bool:
    try:
        return bool(Status.FromString(status).code == STATUS_ERROR)
    except DecodeError:
        return False


def _why_rejected(head: Any) -> str:
    name = text_of(head.name)[:100]
    if len(head.trace_id) != 16 or head.trace_id == ZERO_TRACE:
        got = head.trace_id[:32].hex()
        return f"span {name!r}: trace_id must be 16 bytes, not all zero; got {got!r}"
    if len(head.span_id) != 8 or head.span_id == ZERO_SPAN:
        return (
            f"span {name!r}: span_id must be 8 bytes, not all zero; got {head.span_id[:32].hex()!r}"
        )
    return f"span {name!r}: start and end time must be set and after 1970"
