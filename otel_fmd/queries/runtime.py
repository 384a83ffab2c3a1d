"""Metrics of processes and runtimes, by what they are called in any language's conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from otel_fmd.queries.metric_lines import MetricQuery, metric_lines
from otel_fmd.queries.metrics import KnownMetric, Minutes, known_metrics
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.semconv import WORKER


class Source(NamedTuple):
    """A metric that a panel may show.

    Its name, how its values are put together, its labels if only some series are meant, and the
    labels that further divide a process's line.
    """

    name: str
    aggregation: str
    labels: Mapping[str, str] = {}
    also_by: Sequence[str] = ()


class PanelSources(NamedTuple):
    """A panel: of each service, the first of these metrics that it reports."""

    name: str
    title: str
    sources: Sequence[Source]


PANELS = (
    PanelSources(
        "cpu",
        "CPU",
        (
            Source("process.cpu.time", "rate"),
            Source("jvm.cpu.time", "rate"),
            Source("process.runtime.cpython.cpu_time", "rate"),
            Source("process.cpu.utilization", "avg"),
            Source("process.runtime.cpython.cpu.utilization", "avg"),
            Source("jvm.cpu.recent_utilization", "avg"),
            Source("process.runtime.jvm.cpu.utilization", "avg"),
            Source("system.cpu.utilization", "avg"),
        ),
    ),
    PanelSources(
        "memory",
        "Memory",
        (
            Source("process.memory.usage", "last"),
            Source("process.runtime.cpython.memory", "last", {"type": "rss"}),
            Source("jvm.memory.used", "last"),
            Source("process.runtime.jvm.memory.usage", "last"),
            Source("v8js.memory.heap.used", "last"),
            Source("process.runtime.nodejs.memory.heap.used", "last"),
            Source("go.memory.used", "last"),
            Source("process.runtime.go.mem.heap_alloc", "last"),
            Source("dotnet.process.memory.working_set", "last"),
            Source("system.memory.usage", "last", {"state": "used"}),
        ),
    ),
    PanelSources(
        "gc",
        "Garbage collection",
        (
            Source("cpython.gc.collections", "rate"),
            Source("process.runtime.cpython.gc_count", "rate"),
            Source("jvm.gc.duration", "p95"),
            Source("process.runtime.jvm.gc.duration", "p95"),
            Source("v8js.gc.duration", "p95"),
            Source("process.runtime.go.gc.pause_ns", "p95"),
            Source("go.memory.gc.goal", "last"),
            Source("dotnet.gc.collections", "rate"),
        ),
    ),
    PanelSources(
        "threads",
        "Threads",
        (
            Source("process.thread.count", "last"),
            Source("process.runtime.cpython.thread_count", "last"),
            Source("jvm.thread.count", "last"),
            Source("process.runtime.jvm.threads.count", "last"),
            Source("go.goroutine.count", "last"),
            Source("process.runtime.go.goroutines", "last"),
            Source("dotnet.thread_pool.thread.count", "last"),
        ),
    ),
    PanelSources(
        "pools",
        "Connections of pools",
        (
            Source("db.client.connection.count", "last", {}, ("db.client.connection.state",)),
            Source("db.client.connections.usage", "last", {}, ("state",)),
        ),
    ),
    PanelSources(
        "event-loop",
        "Event loop",
        (
            Source("nodejs.eventloop.delay.p99", "max"),
            Source("nodejs.eventloop.delay.mean", "avg"),
            Source("nodejs.eventloop.utilization", "avg"),
            Source("process.runtime.nodejs.event_loop.lag.p99", "max"),
        ),
    ),
    PanelSources("active", "Requests under way", (Source("http.server.active_requests", "last"),)),
)
"""What is shown of processes, in this order.

Source: https://opentelemetry.io/docs/specs/semconv/runtime/, .../system/process-metrics/,
.../db/database-metrics/ and the older names of the languages' instrumentations
"""


class WorkerLine(NamedTuple):
    """A value for each step, None where none: of a process of a service, or a part of it."""

    service: str
    worker: str
    values: Sequence[float | None]


class Panel(NamedTuple):
    """What a panel shows: the metrics that it comes from, their unit and lines."""

    name: str
    title: str
    metrics: Sequence[str]
    unit: str
    lines: Sequence[WorkerLine]


def panels(snapshot: Snapshot, service: str | None, minutes: Minutes) -> list[Panel]:
    """The panels of which a service, or any, reports something."""
    by_service: dict[str, dict[str, KnownMetric]] = {}
    for metric in known_metrics(snapshot, service):
        by_service.setdefault(metric.service, {}).setdefault(metric.name, metric)
    found = []
    for sources in PANELS:
        lines: list[WorkerLine] = []
        names: dict[str, str] = {}
        for known in by_service.values():
            source = next((one for one in sources.sources if one.name in known), None)
            if source is not None:
                metric = known[source.name]
                new = _lines(snapshot, metric, source, minutes)
                if new:
                    names[metric.name] = _unit(metric.unit, source.aggregation)
                lines += new
        if lines:
            found.append(
                Panel(
                    sources.name, sources.title, list(names), ", ".join(set(names.values())), lines
                )
            )
    return found


def _lines(
    snapshot: Snapshot, metric: KnownMetric, source: Source, minutes: Minutes
) -> list[WorkerLine]:
    group_by = (*WORKER, *source.also_by)
    query = MetricQuery(metric, source.labels, group_by, source.aggregation, minutes)
    return [
        WorkerLine(metric.service, worker_name(line.labels), line.values)
        for line in metric_lines(snapshot, query).lines
    ]


def worker_name(labels: Sequence[str]) -> str:
    """What a process is called: its instance, or host and process id; then what is beside them."""
    instance, host, pod, container, pid, *rest = labels
    place = instance or pod or host or container[:12]
    parts = [place, pid if not instance else "", *rest]
    return " ".join(filter(None, parts))


def _unit(unit: str, aggregation: str) -> str:
    if aggregation == "rate":
        # Seconds of CPU a second are cores.
        return "cores" if unit == "s" else f"{unit or '1'}/s"
    return unit or "1"
