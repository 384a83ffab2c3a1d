"""Spans of the SDK that ended here, as requests."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Resource as SdkResource
from opentelemetry.trace import SpanKind

from otel_fmd.requests.ended import EndedRequest, request_of
from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import Translator
from otel_fmd.signals.record import Resource
from otel_fmd.signals.sdk import attributes_of

RESOURCE = Resource({"service.name": "shop", "service.version": "7"})
START_NS = 1_790_000_000_000_000_000
WATCHED = {"fmd.monitor_level": 2, "flask.endpoint": "item", "http.status_code": 201}


def ended(
    attributes: dict[str, Any], kind: SpanKind = SpanKind.SERVER, event: str = ""
) -> ReadableSpan:
    """A span of 5 ms."""
    tracer = TracerProvider(resource=SdkResource({})).get_tracer("test")
    span = tracer.start_span("GET /x", kind=kind, attributes=attributes, start_time=START_NS)
    if event:
        span.add_event(event)
    span.end(START_NS + 5_000_000)
    assert isinstance(span, ReadableSpan)
    return span


def made(span: ReadableSpan, internal: bool = False) -> Request | EndedRequest | None:
    """What becomes of it."""
    assert span.context is not None
    translator = Translator(internal)
    return request_of(span, span.context, attributes_of(span), RESOURCE, translator)


def test_a_watched_request_without_events_is_made_later() -> None:
    """Its thread keeps the parts; the request is that of the whole span."""
    span = ended(WATCHED)
    found = made(span)
    assert isinstance(found, EndedRequest)
    request = found.request(Translator())
    assert request[:8] == (
        "shop", "item", "7", START_NS // 1000, 5_000_000, 201, None, "",
    )  # fmt: skip
    assert span.context is not None
    assert int.from_bytes(request.trace_id, "big") == span.context.trace_id
    assert int.from_bytes(request.span_id, "big") == span.context.span_id
    assert (len(request.trace_id), len(request.span_id)) == (16, 8)
    assert request.level == 2


@pytest.mark.parametrize(
    ("attributes", "event"), [(WATCHED, "fmd.outlier"), ({"flask.endpoint": "item"}, "")]
)
def test_what_has_events_or_was_not_watched_is_made_at_once(
    attributes: dict[str, Any], event: str
) -> None:
    """It needs its span."""
    found = made(ended(attributes, event=event))
    assert isinstance(found, Request)
    assert (found.service, found.endpoint, found.duration_ns) == ("shop", "item", 5_000_000)
    assert found.has_outlier is bool(event)
    assert found.span.name == "GET /x"


def test_child_spans_are_no_requests() -> None:
    """Those of clients never, internal roots where they are asked for; consumers always."""
    assert made(ended(WATCHED, SpanKind.CLIENT)) is None
    assert made(ended(WATCHED, SpanKind.INTERNAL)) is None
    assert isinstance(made(ended(WATCHED, SpanKind.INTERNAL), internal=True), Request)
    assert isinstance(made(ended(WATCHED, SpanKind.CONSUMER)), Request)


@pytest.mark.parametrize("missing", ["_start_time", "_end_time"])
def test_a_span_without_times_is_none(missing: str) -> None:
    """It has not ended."""
    span = ended(WATCHED)
    setattr(span, missing, None)
    assert made(span) is None


def test_a_name_stands_where_no_route_is_told() -> None:
    """The span's own."""
    found = made(ended({"fmd.monitor_level": 1}))
    assert isinstance(found, EndedRequest)
    assert found.request(Translator()).endpoint == "GET /x"
