"""OTLP trace requests (protobuf or JSON) as neutral spans.

JSON is rewritten to what protobuf's own JSON mapping expects (hex ids become base64) and then takes
the same way as protobuf. A span that cannot be used is rejected alone; a body that cannot be
decoded raises `BadDataError`.
Source: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Set
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_fmd.otlp.errors import BadDataError
from otel_fmd.otlp.messages import ExportRequest
from otel_fmd.spans.record import AttributeValue, Event, Resource, Span

_ZERO_TRACE = bytes(16)
_ZERO_SPAN = bytes(8)
_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200
_ERROR = 2
_MAX_VALUE_DEPTH = 32
_MAX_EVENTS = 1_000


class Decoded(NamedTuple):
    """The usable spans of a request, how many were rejected, and why the first of them was."""

    spans: list[Span]
    rejected: int
    reason: str


def value_of(value: AnyValue, depth: int = 0) -> AttributeValue:
    """The Python value of an `AnyValue`; lists and maps nested too deep become None."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        if depth >= _MAX_VALUE_DEPTH:
            return None
        return [value_of(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        if depth >= _MAX_VALUE_DEPTH:
            return None
        return {kv.key: value_of(kv.value, depth + 1) for kv in value.kvlist_value.values}
    return getattr(value, kind)


class _ProtoSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        attributes = raw.attributes
        if wanted is None:
            return {key: value_of(value) for key, value in attributes.items()}
        found: dict[str, AttributeValue] = {}
        for key in wanted:
            if key in attributes:
                value = attributes[key]
                # The two usual kinds first: WhichOneof costs more than both checks together.
                found[key] = value.string_value or value.int_value or value_of(value)
        return found

    def events(self, raw: Any) -> Iterable[Event]:
        return [
            Event(e.name, e.time_unix_nano, {kv.key: value_of(kv.value) for kv in e.attributes})
            for e in raw.events[:_MAX_EVENTS]
        ]


_SOURCE = _ProtoSource()


def decode_protobuf(body: bytes) -> Decoded:
    """Spans of a protobuf `ExportTraceServiceRequest`.

    Raises:
        BadDataError: the body is no such message.
    """
    message = ExportRequest()
    try:
        message.ParseFromString(body)
    except (DecodeError, ValueError, RecursionError) as error:
        raise BadDataError(f"not an ExportTraceServiceRequest in protobuf: {error}") from None
    return _decode(message)


def decode_json(body: bytes) -> Decoded:
    """Spans of an OTLP/JSON `ExportTraceServiceRequest`.

    Raises:
        BadDataError: the body is no such message.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadDataError(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadDataError(f"a JSON object was expected, not {type(document).__name__}")
    rejected, reason = _prepare(document)
    message = ExportTraceServiceRequest()
    try:
        json_format.ParseDict(document, message, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadDataError(f"not an ExportTraceServiceRequest in JSON: {error}") from None
    decoded = decode_protobuf(message.SerializeToString())
    return Decoded(decoded.spans, decoded.rejected + rejected, decoded.reason or reason)


def _decode(message: Any) -> Decoded:
    spans: list[Span] = []
    rejected = 0
    reason = ""
    for resource_spans in message.resource_spans:
        resource = Resource(
            {kv.key: value_of(kv.value) for kv in resource_spans.resource.attributes}
        )
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                trace_id = span.trace_id
                span_id = span.span_id
                start_ns = span.start_time_unix_nano
                end_ns = span.end_time_unix_nano
                if (
                    len(trace_id) != 16
                    or len(span_id) != 8
                    or not start_ns
                    or not end_ns
                    or trace_id == _ZERO_TRACE
                    or span_id == _ZERO_SPAN
                ):
                    rejected += 1
                    reason = reason or _why_rejected(span)
                    continue
                parent = span.parent_span_id
                spans.append(
                    Span(
                        trace_id,
                        span_id,
                        parent,
                        span.name,
                        span.kind,
                        start_ns,
                        end_ns,
                        span.status.code == _ERROR if span.HasField("status") else False,
                        bool(span.events),
                        bool(parent) and span.flags & (_HAS_IS_REMOTE | _IS_REMOTE) != 0x300,
                        resource,
                        span,
                        _SOURCE,
                    )
                )
    return Decoded(spans, rejected, reason)


def _why_rejected(span: Any) -> str:
    name = span.name[:100]
    if len(span.trace_id) != 16 or span.trace_id == _ZERO_TRACE:
        got = span.trace_id[:32].hex()
        return f"span {name!r}: trace_id must be 16 bytes, not all zero; got {got!r}"
    if len(span.span_id) != 8 or span.span_id == _ZERO_SPAN:
        return (
            f"span {name!r}: span_id must be 8 bytes, not all zero; got {span.span_id[:32].hex()!r}"
        )
    return f"span {name!r}: start and end time must be set and after 1970"


def _spans_lists(document: dict[str, Any]) -> Iterator[list[Any]]:
    """The lists of spans in a JSON document; what has another shape is left to the parser."""
    for resource_spans in _list(document.get("resourceSpans")):
        if isinstance(resource_spans, dict):
            for scope_spans in _list(resource_spans.get("scopeSpans")):
                if isinstance(scope_spans, dict) and isinstance(scope_spans.get("spans"), list):
                    yield scope_spans["spans"]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _prepare(document: dict[str, Any]) -> tuple[int, str]:
    """Rewrite hex ids as base64, in place; remove, count and name spans that cannot be used."""
    rejected = 0
    reason = ""
    for spans in _spans_lists(document):
        usable: list[Any] = []
        for span in spans:
            problem = _prepare_span(span) if isinstance(span, dict) else ""
            if problem:
                rejected += 1
                reason = reason or f"span {str(span.get('name'))[:100]!r}: {problem}"
            else:
                usable.append(span)
        spans[:] = usable
    return rejected, reason


def _prepare_span(span: dict[str, Any]) -> str:
    """Make one JSON span ready for protobuf's mapping; why it cannot be used, or ''."""
    for key in ("kind",):
        if isinstance(span.get(key), str):
            raise BadDataError(f"enums are integers in OTLP/JSON; got {span[key][:50]!r}", key)
    status = span.get("status")
    if isinstance(status, dict) and isinstance(status.get("code"), str):
        raise BadDataError(f"enums are integers; got {status['code'][:50]!r}", "status.code")
    for key, required in (("traceId", True), ("spanId", True), ("parentSpanId", False)):
        problem = _hex_to_base64(span, key)
        if problem and required:
            return problem
        if problem:
            span.pop(key, None)
    for link in _list(span.get("links")):
        if isinstance(link, dict):
            for key in ("traceId", "spanId"):
                if _hex_to_base64(link, key):
                    link.pop(key, None)
    for key in ("startTimeUnixNano", "endTimeUnixNano"):
        try:
            time_ns = int(span.get(key, 0))
        except (TypeError, ValueError, OverflowError):
            return f"{key} must be a whole number of nanoseconds; got {str(span[key])[:50]!r}"
        if not 0 < time_ns < 2**64:
            return f"{key} must be after 1970 and below 2^64; got {str(time_ns)[:50]}"
    return ""


def _hex_to_base64(holder: dict[str, Any], key: str) -> str:
    text = holder.get(key, "")
    if text == "":
        return ""
    if not isinstance(text, str):
        return f"{key} must be a hex string; got {str(text)[:50]!r}"
    try:
        holder[key] = base64.b64encode(binascii.unhexlify(text)).decode()
    except ValueError:
        return f"{key} must be hex; got {text[:50]!r}"
    return ""
