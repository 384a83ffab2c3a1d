"""Metrics, accepted and forgotten: exporters with default settings send them, too."""

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from otel_fmd.otlp.signal import Signal

METRICS = Signal(
    name="metrics",
    records="data_points",
    path="/v1/metrics",
    service="opentelemetry.proto.collector.metrics.v1.MetricsService",
    response=ExportMetricsServiceResponse,
)
