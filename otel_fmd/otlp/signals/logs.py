"""Logs: log records."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otel_fmd.otlp.logs_json import decode_json
from otel_fmd.otlp.logs_protobuf import decode_protobuf
from otel_fmd.otlp.signal import Signal

LOGS = Signal(
    name="logs",
    records="log_records",
    path="/v1/logs",
    service="opentelemetry.proto.collector.logs.v1.LogsService",
    response=ExportLogsServiceResponse,
    decode_protobuf=decode_protobuf,
    decode_json=decode_json,
)
