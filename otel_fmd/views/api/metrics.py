"""Metrics for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from otel_fmd.queries.metrics import KnownMetric
from otel_fmd.signals.metric import KIND_NAMES
from otel_fmd.views import metrics as views
from otel_fmd.views.api.look import moment
from otel_fmd.views.look import Look
from otel_fmd.views.measured import EndpointMeasured, Measured
from otel_fmd.views.runtime import Runtime


@dataclass(slots=True)
class Metric:
    """A metric of a service.

    Args:
        id: its id.
        service: the service that reports it.
        name: its name.
        kind: `gauge`, `sum`, `up-down` (a sum that also falls), `histogram` or `summary`.
        unit: its unit, in UCUM; empty when it has none.
        description: what it measures.
        series: how many series it has.
    """

    id: int
    service: str
    name: str
    kind: str
    unit: str
    description: str
    series: int


@dataclass(slots=True)
class MetricValue:
    """The value of a step.

    Args:
        start: when the step begins.
        value: in the unit of the answer.
    """

    start: datetime
    value: float


@dataclass(slots=True)
class MetricLine:
    """One line.

    Args:
        labels: what it is grouped by, with the values of this line.
        values: of the steps that have one, the earliest first.
    """

    labels: Mapping[str, str]
    values: Sequence[MetricValue]


@dataclass(slots=True)
class MetricExemplar:
    """One measurement, and where it was taken.

    Args:
        time: when.
        value: what was measured, in the unit of the metric.
        trace_id: its trace, in hex.
        request_id: the request that it belongs to; null if that is not stored.
    """

    time: datetime
    value: float
    trace_id: str
    request_id: str | None


@dataclass(slots=True)
class MetricOverTime:
    """A metric over time.

    Args:
        metric: the metric.
        start: where the first step begins.
        end: where the last one ends (not included).
        step_seconds: the length of a step.
        aggregation: how values were put together.
        unit: of the values, in UCUM.
        lines: those with the largest values first, at most 24.
        other_lines: how many were left out.
        series: how many series were read.
        labels: every label of the metric, with its values.
        exemplars: the largest measurements that name a span, at most a dozen.
    """

    metric: Metric
    start: datetime
    end: datetime
    step_seconds: int
    aggregation: str
    unit: str
    lines: Sequence[MetricLine]
    other_lines: int
    series: int
    labels: Mapping[str, Sequence[str]]
    exemplars: Sequence[MetricExemplar]


def metrics(data: list[KnownMetric], _look: Look) -> Iterator[Metric]:
    """The metrics."""
    return map(_metric, data)


def _metric(one: KnownMetric) -> Metric:
    return Metric(
        one.id,
        one.service,
        one.name,
        KIND_NAMES[one.kind],
        one.unit,
        one.description,
        one.series,
    )


def over_time(data: views.MetricOverTime, _look: Look) -> MetricOverTime:
    """One metric."""
    minutes = data.minutes
    return MetricOverTime(
        _metric(data.metric),
        moment(minutes.start * views.MINUTE_US),
        moment(minutes.end * views.MINUTE_US),
        minutes.step * 60,
        data.aggregation,
        data.unit,
        [
            MetricLine(
                dict(zip(data.group_by, line.labels, strict=True)),
                [
                    MetricValue(moment(views.step_start_us(minutes, step)), value)
                    for step, value in enumerate(line.values)
                    if value is not None
                ],
            )
            for line in data.lines
        ],
        data.others,
        data.series,
        data.labels,
        [
            MetricExemplar(
                moment(one.time_us),
                one.value,
                one.trace_id,
                None if one.request is None else str(one.request.id),
            )
            for one in data.exemplars
        ],
    )


@dataclass(slots=True)
class WorkerValues:
    """A process, or a part of it.

    Args:
        service: its service.
        worker: what tells it apart: its instance, or host and process id; empty if nothing does.
        values: of the steps that have one, the earliest first.
    """

    service: str
    worker: str
    values: Sequence[MetricValue]


@dataclass(slots=True)
class RuntimePanel:
    """What processes use of one thing.

    Args:
        name: `cpu`, `memory`, `gc`, `threads`, `pools`, `event-loop` or `active`.
        title: what it shows.
        metrics: the metrics that it comes from.
        unit: of the values, in UCUM; of CPU time also `cores`.
        workers: a line each.
    """

    name: str
    title: str
    metrics: Sequence[str]
    unit: str
    workers: Sequence[WorkerValues]


def runtime(data: Runtime, _look: Look) -> Iterator[RuntimePanel]:
    """The panels."""
    for panel in data.panels:
        yield RuntimePanel(
            panel.name,
            panel.title,
            panel.metrics,
            panel.unit,
            [
                WorkerValues(
                    line.service,
                    line.worker,
                    [
                        MetricValue(moment(views.step_start_us(data.minutes, step)), value)
                        for step, value in enumerate(line.values)
                        if value is not None
                    ],
                )
                for line in panel.lines
            ],
        )


@dataclass(slots=True)
class MeasuredEndpoint:
    """An endpoint by its HTTP metrics, sampled or not.

    Args:
        service: its service.
        name: method and route.
        endpoint_id: the endpoint with the same name of which spans are stored; null if none is.
        requests: how many in the time.
        errors: those with a status from 400 on.
        median_ms: the median of their durations, within a bucket; null if unknown.
        p95_ms: the 95th percentile.
        metric_id: the metric that this comes from.
    """

    service: str
    name: str
    endpoint_id: int | None
    requests: int
    errors: int
    median_ms: float | None
    p95_ms: float | None
    metric_id: int


@dataclass(slots=True)
class EndpointByMetrics:
    """An endpoint by its HTTP metrics, beside what is stored of it, in whole hours.

    Args:
        requests: all of them, as metrics count them.
        errors: those with a status from 400 on.
        median_ms: the median of their durations, within a bucket; null if unknown.
        p95_ms: the 95th percentile.
        stored_requests: those that are stored from spans.
        stored_share: the share of all that is stored, 0 to 1; null if there were none.
        metric_id: the metric that this comes from.
    """

    requests: int
    errors: int
    median_ms: float | None
    p95_ms: float | None
    stored_requests: int
    stored_share: float | None
    metric_id: int


def endpoint_by_metrics(data: EndpointMeasured, _look: Look) -> EndpointByMetrics:
    """One endpoint."""
    one = data.measured
    return EndpointByMetrics(
        one.requests,
        one.errors,
        one.median_ms,
        one.p95_ms,
        data.stored,
        data.share,
        one.metric_id,
    )


def measured(data: Measured, _look: Look) -> Iterator[MeasuredEndpoint]:
    """The endpoints by metrics."""
    for one in data.endpoints:
        yield MeasuredEndpoint(
            one.service,
            one.name,
            data.stored.get((one.service, one.name)),
            one.requests,
            one.errors,
            one.median_ms,
            one.p95_ms,
            one.metric_id,
        )
