"""OTLP payloads made for tests, with ids that tell them apart."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

SERVER = Span.SPAN_KIND_SERVER
MS = 1_000_000


def attribute(key: str, value: Any) -> KeyValue:
    """A protobuf attribute."""
    made = KeyValue(key=key)
    if isinstance(value, bool):
        made.value.bool_value = value
    elif isinstance(value, int):
        made.value.int_value = value
    elif isinstance(value, float):
        made.value.double_value = value
    elif isinstance(value, bytes):
        made.value.bytes_value = value
    else:
        made.value.string_value = value
    return made


def flask_attributes(route: str = "/items/<int:i>", **extra: Any) -> dict[str, Any]:
    """What opentelemetry-instrumentation-flask sets by default."""
    return {
        "http.method": "GET",
        "http.server_name": "localhost",
        "http.scheme": "http",
        "net.host.name": "localhost",
        "http.host": "localhost",
        "net.host.port": 80,
        "http.target": route,
        "net.peer.ip": "127.0.0.1",
        "http.user_agent": "test",
        "http.flavor": "1.1",
        "http.route": route,
        "http.status_code": 200,
        **extra,
    }


class Spans:
    """Makes payloads from a seed: the same seed makes the same spans."""

    def __init__(self, seed: int = 0, start_ns: int | None = None) -> None:
        self._chance = random.Random(seed)
        self._time_ns = start_ns or time.time_ns() - 60_000 * MS

    def span(
        self,
        attributes: Mapping[str, Any] | None = None,
        *,
        duration_ms: float = 10.0,
        name: str = "GET",
        kind: int = SERVER,
        **fields: Any,
    ) -> Span:
        """One span, a millisecond after the one before."""
        self._time_ns += MS
        given = flask_attributes() if attributes is None else attributes
        span = Span(
            trace_id=self._chance.randbytes(16),
            span_id=self._chance.randbytes(8),
            name=name,
            kind=kind,
            start_time_unix_nano=self._time_ns,
            end_time_unix_nano=self._time_ns + int(duration_ms * MS),
            attributes=[attribute(key, value) for key, value in given.items()],
        )
        for key, value in fields.items():
            if isinstance(value, int | str | bytes):
                setattr(span, key, value)
        return span

    def many(self, number: int, **extra: Any) -> list[Span]:
        """Spans with log-normal durations."""
        return [
            self.span(
                flask_attributes(**extra), duration_ms=10 * self._chance.lognormvariate(0, 0.3)
            )
            for _ in range(number)
        ]


def payload(
    spans: Iterable[Span], service: str = "shop", version: str = "1.0", **resource: Any
) -> ExportTraceServiceRequest:
    """An export request of one resource."""
    message = ExportTraceServiceRequest()
    found = message.resource_spans.add()
    for key, value in {"service.name": service, "service.version": version, **resource}.items():
        found.resource.attributes.append(attribute(key, value))
    found.scope_spans.append(ScopeSpans(spans=list(spans)))
    return message


def body(spans: Iterable[Span], **about: Any) -> bytes:
    """The bytes of `payload`."""
    return payload(spans, **about).SerializeToString()


class Template:
    """Makes bodies fast: the same spans again and again, with new ids and times.

    Args:
        seed: makes its spans its own.
        size: spans in a body.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._chance = random.Random(seed)
        spans = Spans(seed).many(size)
        data = body(spans)
        self._data = bytearray(data)
        self._places = []
        for span in spans:
            start, end = span.start_time_unix_nano, span.end_time_unix_nano
            self._places.append(
                (
                    data.index(span.trace_id),
                    data.index(span.span_id),
                    data.index(struct.pack("<Q", start)),
                    data.index(struct.pack("<Q", end)),
                    end - start,
                )
            )

    def make(self) -> tuple[bytes, list[bytes]]:
        """A body, and the ids of its spans; they began within the last second."""
        data, ids = self._data, []
        pack = struct.Struct("<Q").pack_into
        now = time.time_ns()
        for trace, span, start, end, duration in self._places:
            made = self._chance.randbytes(24)
            data[trace : trace + 16] = made[:16]
            data[span : span + 8] = made[16:]
            began = now - int(self._chance.random() * 1e9)
            pack(data, start, began)
            pack(data, end, began + duration)
            ids.append(made[16:])
        return bytes(data), ids
