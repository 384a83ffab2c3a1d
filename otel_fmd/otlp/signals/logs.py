"""Logs, accepted and forgotten: exporters with default settings send them, too."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otel_fmd.otlp.signal import Signal

LOGS = Signal(
    name="logs",
    records="log_records",
    path="/v1/logs",
    service="opentelemetry.proto.collector.logs.v1.LogsService",
    response=ExportLogsServiceResponse,
)
