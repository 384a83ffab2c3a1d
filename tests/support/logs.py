"""Bodies of logs, made by hand."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

START_NS = 1_750_000_000_000_000_000
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))


def any_value(value: Any) -> AnyValue:
    """A text, a number or a map."""
    if isinstance(value, dict):
        found = AnyValue()
        for key, inner in value.items():
            found.kvlist_value.values.append(KeyValue(key=key, value=any_value(inner)))
        return found
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=value)


def log(
    body: Any = "hello",
    severity: int = 9,
    *,
    at_ns: int = START_NS,
    trace_id: bytes = b"",
    span_id: bytes = b"",
    sampled: bool = True,
    event_name: str = "",
    **attributes: Any,
) -> LogRecord:
    """A record; attributes by their names, with `__` for dots."""
    return LogRecord(
        time_unix_nano=at_ns,
        severity_number=severity,  # type: ignore[arg-type]
        severity_text="",
        body=any_value(body),
        trace_id=trace_id,
        span_id=span_id,
        flags=int(sampled and bool(trace_id)),
        event_name=event_name,
        attributes=[
            KeyValue(key=key.replace("__", "."), value=any_value(value))
            for key, value in attributes.items()
        ],
    )


def logs_body(
    *records: LogRecord, scope: str = "shop.views", **resource: Any
) -> ExportLogsServiceRequest:
    """A request of one resource with these records; its service is `shop`."""
    request = ExportLogsServiceRequest()
    made = request.resource_logs.add()
    for key, value in {"service.name": "shop", **resource}.items():
        made.resource.attributes.append(KeyValue(key=key, value=any_value(value)))
    inner = made.scope_logs.add()
    inner.scope.name = scope
    inner.log_records.extend(records)
    return request
