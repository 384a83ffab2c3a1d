"""What a process uses, by both ways that it is told."""

from __future__ import annotations

import os
import threading

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_fmd.agent.process_instruments import observe_process
from otel_fmd.agent.process_metrics import ProcessMetrics, memory_bytes
from otel_fmd.signals.metric import Points
from otel_fmd.signals.record import Resource


def test_a_look_has_cpu_memory_threads_and_collections() -> None:
    """With the process in the resource; what was used before the first look is left out."""
    process = ProcessMetrics(Resource({"service.name": "shop"}))
    sum(range(2_000_000))
    points = list(Points(process.blocks()))
    by_name: dict[str, list[float]] = {}
    for one in points:
        by_name.setdefault(one.metric.name, []).append(one.value)
        assert one.metric.resource.attributes["process.pid"] == os.getpid()
        assert one.metric.resource.attributes["service.name"] == "shop"
    assert 0 <= sum(by_name["process.cpu.time"]) < 5
    assert by_name["process.thread.count"] == [threading.active_count()]
    assert len(by_name["cpython.gc.collections"]) == 3
    assert by_name["process.memory.usage"][0] > 10_000_000


def test_memory_is_that_of_this_process() -> None:
    """It grows with what is taken."""
    before = memory_bytes()
    taken = bytearray(os.urandom(1) * 50_000_000)
    after = memory_bytes()
    assert before is not None
    assert after is not None
    assert after - before > 40_000_000
    assert len(taken) == 50_000_000


def test_a_meter_provider_is_told_once() -> None:
    """A second agent in the process adds no second set of instruments."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    assert observe_process(provider)
    assert not observe_process(provider)
    data = reader.get_metrics_data()
    assert data is not None
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    found = {one.name: list(one.data.data_points) for one in metrics}
    assert found.keys() == {"process.cpu.time", "process.memory.usage", "process.thread.count"}
    for points in found.values():
        assert all(one.attributes["process.pid"] == os.getpid() for one in points)
    provider.shutdown()
