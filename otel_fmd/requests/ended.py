"""Spans of the OpenTelemetry Python SDK that ended in this process, as requests."""

from __future__ import annotations

from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from opentelemetry.trace import SpanKind as SdkSpanKind

from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import Translator
from otel_fmd.signals import semconv
from otel_fmd.signals.record import Resource, Span
from otel_fmd.signals.sdk import span_of

_LEVEL = semconv.MONITOR_LEVEL
_tuple: Any = tuple.__new__


class EndedRequest(NamedTuple):
    """An ended entry span without events, reduced to what a request needs.

    Made by the request's own thread, which has no time; `request` is called by another, later.
    """

    attributes: dict[str, Any]
    resource: Resource
    name: str
    start_ns: int
    end_ns: int
    trace_id: int
    span_id: int

    def request(self, translator: Translator) -> Request:
        """The request."""
        attributes, resource, name, start_ns, end_ns, trace_id, span_id = self
        ids = trace_id.to_bytes(16, "big"), span_id.to_bytes(8, "big")
        return translator.make(attributes, resource, name, start_ns, end_ns, *ids)


def request_of(
    span: ReadableSpan,
    context: SpanContext,
    attributes: dict[str, Any],
    resource: Resource,
    translator: Translator,
) -> Request | EndedRequest | Span | None:
    """The request of an ended SDK span, or what it can be made from.

    A span that is no request is returned as it is if it has exceptions; else there is nothing to
    store of it: None.

    Args:
        span: the span.
        context: its context, and
        attributes: its attributes, which the caller has read before.
        resource: its resource, as a neutral record.
        translator: makes requests of spans that have events.
    """
    start, end = span.start_time, span.end_time
    if start is None or end is None:
        return None
    if span.kind is SdkSpanKind.SERVER and not span._events and _LEVEL in attributes:
        parts = (attributes, resource, span.name, start, end, context.trace_id, context.span_id)
        return _tuple(EndedRequest, parts)  # type: ignore[no-any-return]
    record = span_of(span, resource)
    if record is None:
        return None
    if not translator.is_entry(record):
        raised = any(event.name == semconv.EVENT_EXCEPTION for event in span.events)
        return record if raised else None
    return translator.request(record)
