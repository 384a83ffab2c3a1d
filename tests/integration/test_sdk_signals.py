"""Metrics and logs of the real Python SDK and its exporters, over both transports."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import (
    OTLPLogExporter as GrpcLogExporter,
)
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from otel_fmd.queries.exemplars import exemplars
from otel_fmd.queries.logs import logs_of_request
from otel_fmd.queries.metric_lines import MetricQuery, metric_lines
from otel_fmd.queries.metrics import Minutes, known_metrics, known_series
from otel_fmd.queries.rows import requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.serving import Served

DELTAS = {
    Counter: AggregationTemporality.DELTA,
    Histogram: AggregationTemporality.DELTA,
}


@pytest.fixture
def served(new_url: Any, serve: Any) -> Served:
    """A receiver."""
    found: Served = serve(new_url("sqlite"), "--no-dashboard")
    return found


@pytest.fixture
def reader(served: Served) -> Iterator[Reader]:
    """Its database."""
    store = Store(served.database_url)
    yield Reader(store)
    store.close()


def values(reader: Reader, service: str) -> dict[tuple[str, str], float | None]:
    """Figures of the last hour by metric and aggregation."""
    now_us = time.time_ns() // 1000
    minutes = Minutes.between(now_us - 1_800_000_000, now_us + 60_000_000, 86_400_000_000)
    found: dict[tuple[str, str], float | None] = {}
    with reader.snapshot() as snapshot:
        for metric in known_metrics(snapshot, service):
            for aggregation in ("sum", "count", "last", "p50"):
                query = MetricQuery(metric, {}, (), aggregation, minutes)
                lines = metric_lines(snapshot, query)
                if lines.aggregation == aggregation and lines.lines:
                    known = [one for one in lines.lines[0].values if one is not None]
                    found[metric.name, aggregation] = sum(known)
    return found


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_metrics_of_the_sdk(
    served: Served, reader: Reader, transport: str, temporality: str
) -> None:
    """Every instrument in either temporality, exported three times."""
    preferred: Any = DELTAS if temporality == "delta" else None
    exporter: Any = (
        OTLPMetricExporter(f"{served.http}/v1/metrics", preferred_temporality=preferred)
        if transport == "http"
        else GrpcMetricExporter(served.grpc, insecure=True, preferred_temporality=preferred)
    )
    metric_reader = PeriodicExportingMetricReader(exporter, 3_600_000)
    view = View(instrument_name="fine", aggregation=ExponentialBucketHistogramAggregation())
    service = f"{transport} {temporality}"
    provider = MeterProvider(
        [metric_reader], Resource.create({"service.name": service}), views=[view]
    )
    meter = provider.get_meter("test")
    hits, queue = meter.create_counter("hits"), meter.create_up_down_counter("queue")
    coarse, fine = meter.create_histogram("coarse", "ms"), meter.create_histogram("fine", "ms")

    def load(_: CallbackOptions) -> list[Observation]:
        return [Observation(0.5, {"core": "1"})]

    meter.create_observable_gauge("load", [load])
    for turn in range(3):
        hits.add(2, {"route": "/a"})
        hits.add(1, {"route": "/b"})
        queue.add(1 if turn else 5)
        for value in (10, 20, 90):
            coarse.record(value)
            fine.record(value)
        assert metric_reader.force_flush()
        time.sleep(0.002)
    provider.shutdown()
    found = values(reader, service)
    assert found["hits", "sum"] == 9
    assert found["queue", "last"] == 7
    assert found["load", "last"] == 0.5
    assert found["coarse", "count"] == found["fine", "count"] == 9
    assert found["coarse", "sum"] == found["fine", "sum"] == 360
    coarse_median, fine_median = found["coarse", "p50"], found["fine", "p50"]
    assert coarse_median is not None
    assert 10 < coarse_median <= 25
    assert fine_median == pytest.approx(20, rel=0.03)


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_logs_and_exemplars_lead_to_their_request(
    served: Served, reader: Reader, transport: str
) -> None:
    """What is logged and measured within a request belongs to it."""
    resource = Resource.create({"service.name": "shop"})
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(served.traces)))
    logging_provider = LoggerProvider(resource)
    exporter: Any = (
        OTLPLogExporter(f"{served.http}/v1/logs")
        if transport == "http"
        else GrpcLogExporter(served.grpc, insecure=True)
    )
    logging_provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    metric_reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{served.http}/v1/metrics"), 3_600_000
    )
    metering = MeterProvider([metric_reader], resource)
    duration = metering.get_meter("test").create_histogram("duration", "ms")
    log = logging.getLogger(f"test.{transport}")
    log.propagate, log.level = False, logging.DEBUG
    log.addHandler(LoggingHandler(logger_provider=logging_provider))
    log.info("before anything")
    with tracing.get_tracer("test").start_as_current_span("GET /", kind=SpanKind.SERVER):
        log.debug("first", extra={"item": 7})
        duration.record(25)
        try:
            raise KeyError("basket")
        except KeyError:
            log.exception("second")
    for provider in (logging_provider, metering, tracing):
        provider.shutdown()  # type: ignore[no-untyped-call]
    with reader.snapshot() as snapshot:
        (one,) = requests(snapshot, Selection()).requests
        first, second = logs_of_request(snapshot, one)
        (metric,) = known_metrics(snapshot, "shop")
        series = [found.id for found in known_series(snapshot, metric.id)]
        now_us = time.time_ns() // 1000
        (exemplar,) = exemplars(snapshot, metric.id, series, now_us - 10**9, now_us + 10**6)
    assert (first.body, first.severity, first.attributes["item"]) == ("first", 5, 7)
    assert (second.body, second.severity) == ("second", 17)
    assert second.attributes["exception.type"] == "KeyError"
    assert exemplar.value == 25
    assert exemplar.request is not None
    assert exemplar.request.id == one.id
