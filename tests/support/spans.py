"""OTLP payloads made for tests, with ids that tell them apart."""

from __future__ import annotations

import random
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
