"""Traces: spans."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_fmd.otlp.signal import Signal
from otel_fmd.otlp.spans_json import decode_json
from otel_fmd.otlp.spans_protobuf import decode_protobuf

TRACES = Signal(
    name="traces",
    records="spans",
    path="/v1/traces",
    service="opentelemetry.proto.collector.trace.v1.TraceService",
    response=ExportTraceServiceResponse,
    decode_protobuf=decode_protobuf,
    decode_json=decode_json,
)
