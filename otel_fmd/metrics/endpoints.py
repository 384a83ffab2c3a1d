"""Rate, errors and duration of every endpoint, as far as this process stored its requests."""

from __future__ import annotations

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from otel_fmd.ingest.endpoint_counts import BOUNDS_S, EndpointCounts

_BOUNDS = [*map(str, BOUNDS_S), "+Inf"]


class EndpointMetrics:
    """The collector of a process that stores requests.

    Names of services and endpoints are untrusted text: the library escapes them.

    Args:
        counts: where they are counted.
    """

    def __init__(self, counts: EndpointCounts) -> None:
        self._counts = counts

    def describe(self) -> list[Metric]:
        """The metrics, without samples."""
        return [_requests(), _durations()]

    def collect(self) -> list[Metric]:
        """The metrics, now."""
        requests, durations = _requests(), _durations()
        for endpoint, found in sorted(self._counts.snapshot().items()):
            for status_class, count in sorted(found.by_class.items()):
                requests.add_metric((*endpoint, status_class), count)
            buckets = list(zip(_BOUNDS, found.buckets, strict=True))
            durations.add_metric(endpoint, buckets, found.sum_s)
        return [requests, durations]


def _requests() -> CounterMetricFamily:
    return CounterMetricFamily(
        "otel_fmd_http_server_requests",
        "Requests stored, by endpoint and class of their status; `none` without a status.",
        labels=("service", "endpoint", "status_class"),
    )


def _durations() -> HistogramMetricFamily:
    return HistogramMetricFamily(
        "otel_fmd_http_server_request_duration_seconds",
        "Durations of requests stored, by endpoint; WebSockets are not among them.",
        labels=("service", "endpoint"),
        unit="seconds",
    )
