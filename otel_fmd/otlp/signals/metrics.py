"""Metrics: points."""

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from otel_fmd.otlp.points_json import decode_json
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.otlp.signal import Signal

METRICS = Signal(
    name="metrics",
    records="data_points",
    path="/v1/metrics",
    service="opentelemetry.proto.collector.metrics.v1.MetricsService",
    response=ExportMetricsServiceResponse,
    decode_protobuf=decode_protobuf,
    decode_json=decode_json,
)
