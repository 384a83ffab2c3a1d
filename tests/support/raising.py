"""Spans that tell of exceptions, with stack traces of exceptions that were really raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.request_batches import RequestBatches
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.requests.translator import Translator
from tests.support.spans import attribute, body


def place_an_order(number: int) -> None:
    """A bug of the app."""
    stock: dict[int, str] = {}
    if number >= 0:
        raise ValueError(f"order {number} is empty")
    stock[number]


def read_a_file(name: str) -> None:
    """Another one, with a cause."""
    try:
        {}[name]
    except KeyError as error:
        raise RuntimeError(f"cannot read {name}") from error


def raised(call: Callable[..., Any], *arguments: Any) -> BaseException:
    """The exception of a call."""
    try:
        call(*arguments)
    except Exception as error:
        return error
    raise AssertionError(f"{call} raised nothing")


def attributes_of(error: BaseException) -> dict[str, Any]:
    """What the SDK records of an exception."""
    return {
        "exception.type": type(error).__name__,
        "exception.message": str(error),
        "exception.stacktrace": "".join(traceback.format_exception(error)),
        "exception.escaped": "False",
    }


def with_exception(span: Span, error: BaseException, **more: Any) -> Span:
    """The span, which recorded this exception."""
    event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
    for name, value in {**attributes_of(error), **more}.items():
        event.attributes.append(attribute(name, value))
    return span


def batch_of(spans: list[Span], **about: Any) -> Batch:
    """The batch of one body with these spans, through the real decoder and translator."""
    about.setdefault("telemetry_sdk_language", "python")
    language = about.pop("telemetry_sdk_language")
    data = body(spans, **about, **{"telemetry.sdk.language": language})
    return RequestBatches(Translator()).of_spans(decode_protobuf(data).spans)
