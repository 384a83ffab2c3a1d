"""Spans of the OpenTelemetry Python SDK (`ReadableSpan`) as neutral records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind as SdkSpanKind
from opentelemetry.trace import StatusCode

from otel_fmd.signals.record import AttributeValue, Event, Resource, Span, SpanKind

_KINDS = {
    SdkSpanKind.INTERNAL: SpanKind.INTERNAL,
    SdkSpanKind.SERVER: SpanKind.SERVER,
    SdkSpanKind.CLIENT: SpanKind.CLIENT,
    SdkSpanKind.PRODUCER: SpanKind.PRODUCER,
    SdkSpanKind.CONSUMER: SpanKind.CONSUMER,
}


class _SdkSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        found = attributes_of(raw)
        return found if wanted is not None else dict(found)

    def events(self, raw: Any) -> Iterable[Event]:
        return [Event(e.name, e.timestamp, dict(e.attributes or {})) for e in raw.events]


_SOURCE = _SdkSource()


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of an ended span, not to be changed."""
    # The public view takes a lock for each attribute (2 microseconds a span).
    attributes: Any = span._attributes
    if type(attributes) is BoundedAttributes:
        return attributes._dict
    return dict(span.attributes or {})


def add_attributes(span: SdkSpan, added: dict[str, str | int]) -> None:
    """Set attributes of a running span: short texts and numbers under valid names.

    `Span.set_attributes` takes three locks for each and checks what we know (1 to 3 microseconds).
    """
    attributes: Any = span._attributes
    if (
        type(attributes) is BoundedAttributes
        and attributes.max_value_len is None
        and (attributes.maxlen is None or len(attributes._dict) + len(added) <= attributes.maxlen)
    ):
        attributes._dict.update(added)
    else:
        span.set_attributes(added)


def spans_of(readable: Sequence[ReadableSpan]) -> Iterator[Span]:
    """The neutral records of ended SDK spans; a span without context or times is skipped."""
    sdk_resource: Any = None
    resource = Resource({})
    for span in readable:
        if span.resource is not sdk_resource:
            sdk_resource = span.resource
            resource = Resource(sdk_resource.attributes)
        found = span_of(span, resource)
        if found is not None:
            yield found


def span_of(span: ReadableSpan, resource: Resource) -> Span | None:
    """The neutral record of an ended SDK span; None without context or times."""
    context, start, end, kind = span.context, span.start_time, span.end_time, span.kind
    if context is None or start is None or end is None:
        return None
    parent = span.parent
    return Span(
        context.trace_id.to_bytes(16, "big"),
        context.span_id.to_bytes(8, "big"),
        parent.span_id.to_bytes(8, "big") if parent is not None else b"",
        span.name,
        SpanKind.SERVER if kind is SdkSpanKind.SERVER else _KINDS[kind],
        start,
        end,
        span.status.status_code is StatusCode.ERROR,
        bool(span._events),
        parent is not None and not parent.is_remote,
        resource,
        span,
        _SOURCE,
    )
