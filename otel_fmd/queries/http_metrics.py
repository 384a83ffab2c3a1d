"""Endpoints as HTTP metrics have them: every request counts, sampled or not.

The histogram of durations that instrumentations of servers send, by its name now and before; the
method, the route and the status are its attributes.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from otel_fmd.queries.metric_lines import Line, MetricQuery, metric_lines
from otel_fmd.queries.metrics import KnownMetric, Minutes, known_metrics
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.metric import MetricKind
from otel_fmd.signals.semconv import METHOD, ROUTE, STATUS_CODE

DURATIONS = {"http.server.request.duration": 1_000.0, "http.server.duration": 1.0}
"""Milliseconds in the unit of each."""
_LABELS = (*METHOD, *ROUTE, *STATUS_CODE)
_MOST = 500
_FIRST_ERROR = 400


class MeasuredEndpoint(NamedTuple):
    """An endpoint by its metrics.

    Args:
        service: its service.
        name: method and route.
        requests: all of them, in the time.
        errors: those with a status from 400 on.
        median_ms: the median of their durations; None when not known.
        p95_ms: the 95th percentile.
        metric_id: where this comes from.
        route: its route.
    """

    service: str
    name: str
    requests: int
    errors: int
    median_ms: float | None
    p95_ms: float | None
    metric_id: int
    route: str


def measured_endpoints(
    snapshot: Snapshot, service: str | None, minutes: Minutes
) -> list[MeasuredEndpoint]:
    """The endpoints of a service, or of all, those with the most requests first.

    Args:
        snapshot: where to look.
        service: the service; None for all.
        minutes: the time, as one step.
    """
    whole = Minutes(minutes.start, minutes.end, max(1, minutes.end - minutes.start))
    found: list[MeasuredEndpoint] = []
    for metric in known_metrics(snapshot, service):
        if metric.name in DURATIONS and metric.kind == MetricKind.HISTOGRAM:
            found += _of_metric(snapshot, metric, whole)
    return sorted(found, key=lambda one: (-one.requests, one.service, one.name))


def _of_metric(
    snapshot: Snapshot, metric: KnownMetric, minutes: Minutes
) -> Iterable[MeasuredEndpoint]:
    def lines(aggregation: str, *labels: str) -> list[Line]:
        query = MetricQuery(metric, {}, labels, aggregation, minutes, _MOST)
        return metric_lines(snapshot, query).lines

    requests: defaultdict[tuple[str, str], int] = defaultdict(int)
    errors: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in lines("count", *_LABELS):
        number = int(line.values[0] or 0)
        place = line.labels[: len(METHOD) + len(ROUTE)]
        key = _method_and_route(place)
        requests[key] += number
        status = _first(line.labels[len(place) :])
        if status.isdigit() and int(status) >= _FIRST_ERROR:
            errors[key] += number
    percentiles = {
        aggregation: {
            _method_and_route(line.labels): line.values[0]
            for line in lines(aggregation, *METHOD, *ROUTE)
        }
        for aggregation in ("p50", "p95")
    }
    factor = DURATIONS[metric.name]
    for key, number in requests.items():
        method, route = key
        medians, p95s = (percentiles[one].get(key) for one in ("p50", "p95"))
        yield MeasuredEndpoint(
            metric.service,
            f"{method} {route or '(unmatched)'}".strip(),
            number,
            errors[key],
            None if medians is None else medians * factor,
            None if p95s is None else p95s * factor,
            metric.id,
            route,
        )


def _method_and_route(labels: tuple[str, ...]) -> tuple[str, str]:
    return _first(labels[: len(METHOD)]), _first(labels[len(METHOD) :])


def _first(labels: Iterable[str]) -> str:
    return next(filter(None, labels), "")
