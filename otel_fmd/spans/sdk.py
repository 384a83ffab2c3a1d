"""Spans of the OpenTelemetry Python SDK (`ReadableSpan`) as neutral records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind as SdkSpanKind
from opentelemetry.trace import StatusCode

from otel_fmd.spans.record import AttributeValue, Event, Resource, Span, SpanKind

_KINDS = {
    SdkSpanKind.INTERNAL: SpanKind.INTERNAL,
    SdkSpanKind.SERVER: SpanKind.SERVER,
    SdkSpanKind.CLIENT: SpanKind.CLIENT,
    SdkSpanKind.PRODUCER: SpanKind.PRODUCER,
    SdkSpanKind.CONSUMER: SpanKind.CONSUMER,
}


class _SdkSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        found = raw.attributes or {}
        if wanted is None:
            return dict(found)
        return {key: value for key, value in found.items() if key in wanted}

    def events(self, raw: Any) -> Iterable[Event]:
        return [Event(e.name, e.timestamp, dict(e.attributes or {})) for e in raw.events]


_SOURCE = _SdkSource()


def spans_of(readable: Sequence[ReadableSpan]) -> Iterator[Span]:
    """The neutral records of ended SDK spans; a span without context or times is skipped."""
    sdk_resource: Any = None
    resource = Resource({})
    for span in readable:
        context = span.get_span_context()
        if context is None or span.start_time is None or span.end_time is None:
            continue
        if span.resource is not sdk_resource:
            sdk_resource = span.resource
            resource = Resource(sdk_resource.attributes)
        parent = span.parent
        yield Span(
            context.trace_id.to_bytes(16, "big"),
            context.span_id.to_bytes(8, "big"),
            parent.span_id.to_bytes(8, "big") if parent is not None else b"",
            span.name,
            _KINDS[span.kind],
            span.start_time,
            span.end_time,
            span.status.status_code is StatusCode.ERROR,
            bool(span.events),
            parent is not None and not parent.is_remote,
            resource,
            span,
            _SOURCE,
        )
