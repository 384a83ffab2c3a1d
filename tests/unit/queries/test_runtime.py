"""Panels of processes, from the names that each language's instrumentation uses."""

from __future__ import annotations

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from otel_fmd.queries.metrics import Minutes
from otel_fmd.queries.runtime import Panel, panels, worker_name
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.points import DELTA, counter, gauge, histogram
from tests.unit.rollups.test_fold_points import MINUTE_NS, NOW_NS, write

MINUTES = Minutes(NOW_NS // MINUTE_NS, NOW_NS // MINUTE_NS + 60, 60)


def shown(store: Store, service: str | None = None) -> dict[str, Panel]:
    """The panels of an hour."""
    with Reader(store).snapshot() as snapshot:
        return {one.name: one for one in panels(snapshot, service, MINUTES)}


@pytest.mark.parametrize(
    ("metric", "panel"),
    [
        (counter("process.cpu.time", 1.0, 3.0, temporality=DELTA, at_ns=NOW_NS), "cpu"),
        (gauge("jvm.cpu.recent_utilization", 0.5, at_ns=NOW_NS), "cpu"),
        (counter("jvm.memory.used", 5, monotonic=False, at_ns=NOW_NS), "memory"),
        (gauge("v8js.memory.heap.used", 5.0, at_ns=NOW_NS), "memory"),
        (histogram("jvm.gc.duration", [0.1], [1, 0], temporality=DELTA, at_ns=NOW_NS), "gc"),
        (counter("go.goroutine.count", 5, monotonic=False, at_ns=NOW_NS), "threads"),
        (gauge("nodejs.eventloop.delay.p99", 0.2, at_ns=NOW_NS), "event-loop"),
        (counter("http.server.active_requests", 2, monotonic=False, at_ns=NOW_NS), "active"),
    ],
    ids=lambda one: one.name if isinstance(one, Metric) else one,
)
def test_a_metric_has_its_panel(sqlite_store: Store, metric: Metric, panel: str) -> None:
    """Whatever language it comes from."""
    write(sqlite_store, metric, **{"service.instance.id": "one"})
    found = shown(sqlite_store)
    assert list(found) == [panel]
    (line,) = found[panel].lines
    assert (line.service, line.worker) == ("shop", "one")
    assert line.values[0] is not None


def test_each_worker_has_its_line_and_the_first_name_counts(sqlite_store: Store) -> None:
    """A newer name goes before an older one; pools are divided by state."""
    for pid in ("7", "8"):
        pools = [
            gauge(
                "db.client.connection.count",
                float(number),
                at_ns=NOW_NS,
                attributes=[("db.client.connection.state", state)],
            )
            for number, state in ((1, "idle"), (3, "used"))
        ]
        memory = gauge("process.memory.usage", 100.0 * int(pid), at_ns=NOW_NS, unit="By")
        old = gauge("process.runtime.cpython.memory", 1.0, at_ns=NOW_NS, unit="By")
        write(sqlite_store, memory, old, *pools, **{"process.pid": pid, "host.name": "h1"})
    found = shown(sqlite_store, "shop")
    assert found["memory"].metrics == ["process.memory.usage"]
    assert found["memory"].unit == "By"
    assert {line.worker: line.values[0] for line in found["memory"].lines} == {
        "h1 7": 700.0,
        "h1 8": 800.0,
    }
    assert sorted(line.worker for line in found["pools"].lines) == [
        "h1 7 idle",
        "h1 7 used",
        "h1 8 idle",
        "h1 8 used",
    ]
    assert shown(sqlite_store, "other") == {}


def test_cpu_time_is_in_cores(sqlite_store: Store) -> None:
    """Seconds a second."""
    metric = counter("process.cpu.time", 1_800.0, temporality=DELTA, at_ns=NOW_NS)
    metric.unit = "s"
    write(sqlite_store, metric)
    cpu = shown(sqlite_store)["cpu"]
    assert (cpu.unit, cpu.lines[0].values[0]) == ("cores", 0.5)


def test_a_worker_is_named_by_what_is_known() -> None:
    """Its instance alone, else its place and process id."""
    assert worker_name(("a1", "host", "", "", "7")) == "a1"
    assert worker_name(("", "host", "pod", "", "7", "idle")) == "pod 7 idle"
    assert worker_name(("", "", "", "0123456789abcdef", "")) == "0123456789ab"
    assert worker_name(("", "", "", "", "")) == ""
