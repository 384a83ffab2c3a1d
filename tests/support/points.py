"""Bodies of metrics, made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

START_NS = 1_750_000_000_000_000_000
"""A minute's first nanosecond, in June 2025."""
DELTA, CUMULATIVE = 1, 2


def metrics_body(*metrics: Metric, **resource: Any) -> ExportMetricsServiceRequest:
    """A request of one resource with these metrics; its service is `shop`."""
    request = ExportMetricsServiceRequest()
    made = request.resource_metrics.add()
    for key, value in {"service.name": "shop", **resource}.items():
        made.resource.attributes.add(key=key).value.string_value = str(value)
    made.scope_metrics.add().metrics.extend(metrics)
    return request


def gauge(name: str, *values: float, unit: str = "1", **point: Any) -> Metric:
    """A gauge with a point for each value, a second apart."""
    metric = Metric(name=name, unit=unit)
    for number, value in enumerate(values):
        _number(metric.gauge.data_points.add(), value, number, **point)
    return metric


def counter(
    name: str,
    *values: float,
    temporality: int = CUMULATIVE,
    monotonic: bool = True,
    **point: Any,
) -> Metric:
    """A sum with a point for each value, a second apart."""
    metric = Metric(name=name, unit="1")
    metric.sum.aggregation_temporality = temporality  # type: ignore[assignment]
    metric.sum.is_monotonic = monotonic
    for number, value in enumerate(values):
        _number(metric.sum.data_points.add(), value, number, **point)
    return metric


def _number(
    point: Any,
    value: float,
    number: int,
    at_ns: int = START_NS,
    start_ns: int = 0,
    step_ns: int = 1_000_000_000,
    attributes: Iterable[tuple[str, str]] = (),
) -> None:
    point.start_time_unix_nano, point.time_unix_nano = start_ns, at_ns + number * step_ns
    if isinstance(value, int):
        point.as_int = value
    else:
        point.as_double = value
    for key, text in attributes:
        point.attributes.add(key=key).value.string_value = text


def histogram(
    name: str,
    bounds: Iterable[float],
    *counts: Iterable[int],
    temporality: int = CUMULATIVE,
    at_ns: int = START_NS,
    start_ns: int = 0,
    total: float = 0.0,
    attributes: Iterable[tuple[str, str]] = (),
) -> Metric:
    """An explicit histogram with a point for each list of counts, a second apart."""
    metric = Metric(name=name, unit="s")
    metric.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    for number, buckets in enumerate(counts):
        point = metric.histogram.data_points.add(
            start_time_unix_nano=start_ns,
            time_unix_nano=at_ns + number * 1_000_000_000,
            explicit_bounds=bounds,
            bucket_counts=buckets,
            sum=total,
        )
        point.count = sum(point.bucket_counts)
        for key, text in attributes:
            point.attributes.add(key=key).value.string_value = text
    return metric
