"""What a receiver took, refused and stored, and how full it is."""

from __future__ import annotations

from typing import NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from otel_fmd.otlp.flight import Flight
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import ReceiverCounters
from otel_fmd.pipeline.pipeline import Pipeline

_PIPELINE = {
    "stored": "Requests stored.",
    "duplicates": "Requests that a client sent again, stored once.",
    "outliers": "Requests that were outliers.",
    "seen_only": "Requests of endpoints at monitor level 0, not stored.",
    "other_endpoints": "Requests of endpoints above the limits for each service, stored as "
    "`(other endpoints)` or `(other paths)`.",
    "exceptions": "Exceptions counted.",
    "not_kept": "Child spans accepted but not stored.",
    "clock_errors": "Spans with an impossible duration; stored as 0 ms.",
    "refused": "Requests refused because the queue was full; mostly estimated from body size.",
    "failed": "Requests that could not be stored, as reported to their client.",
    "dropped": "Requests dropped by an exporter.",
    "folded": "Deltas folded into rollups.",
    "points": "Points of metrics stored, duplicates included.",
    "points_dropped": "Points of metrics dropped: `OTEL_FMD_MAX_METRICS` or `OTEL_FMD_MAX_SERIES`.",
    "points_duplicates": "Points of metrics that were sent again; they change nothing.",
    "points_late": "Points of metrics more than two days old, or an hour ahead, not stored.",
    "records": "Log records stored.",
    "records_duplicates": "Log records that a client sent again, stored once.",
    "records_not_kept": "Log records below `OTEL_FMD_KEEP_LOG_SEVERITY` and of no sampled trace.",
    "records_dropped": "Log records dropped: `OTEL_FMD_MAX_LOGS_PER_REQUEST` or "
    "`OTEL_FMD_MAX_LOGS_PER_MINUTE`.",
}
_GAUGES = {
    "requests_waiting": ("Requests that wait to be stored.", ""),
    "requests_capacity": ("Requests that may wait (`OTEL_FMD_QUEUE_REQUESTS`).", ""),
    "otlp_in_flight_bytes": ("Memory that requests to the receiver take now.", "bytes"),
    "otlp_in_flight_limit_bytes": (
        "Memory that they may take together (`OTEL_FMD_MAX_BYTES_IN_FLIGHT`).",
        "bytes",
    ),
    "last_stored_timestamp_seconds": (
        "When a batch was last stored, in unix time; missing before the first.",
        "seconds",
    ),
}


class Receiving(NamedTuple):
    """What a receiver's process counts with."""

    pipeline: Pipeline
    counters: ReceiverCounters
    refusals: Refusals
    flight: Flight


class ReceiverMetrics:
    """The collector of a receiver.

    Args:
        receiving: where it counts.
    """

    def __init__(self, receiving: Receiving) -> None:
        self._receiving = receiving

    def describe(self) -> list[Metric]:
        """The metrics, without samples."""
        return [*map(_pipeline, _PIPELINE), *map(_gauge, _GAUGES), _otlp(), _refused()]

    def collect(self) -> list[Metric]:
        """The metrics, now."""
        pipeline = self._receiving.pipeline
        found: list[Metric] = []
        for name, value in pipeline.counters.as_dict().items():
            counted = _pipeline(name)
            counted.add_metric((), value)
            found.append(counted)
        return [*found, *self._gauges(), *self._transports()]

    def _gauges(self) -> list[Metric]:
        pipeline, _, _, flight = self._receiving
        values: dict[str, float] = {
            "requests_waiting": pipeline.waiting,
            "requests_capacity": pipeline.capacity,
            "otlp_in_flight_bytes": flight.used,
            "otlp_in_flight_limit_bytes": flight.limit,
        }
        if pipeline.stored_s:
            values["last_stored_timestamp_seconds"] = pipeline.stored_s
        found: list[Metric] = []
        for name in _GAUGES:
            gauge = _gauge(name)
            if name in values:
                gauge.add_metric((), values[name])
            found.append(gauge)
        return found

    def _transports(self) -> list[Metric]:
        otlp, refused = _otlp(), _refused()
        for labels, value in sorted(self._receiving.counters.snapshot().items()):
            otlp.add_metric(labels, value)
        for reasons, value in sorted(self._receiving.refusals.counts().items()):
            refused.add_metric(reasons, value)
        return [otlp, refused]


def _pipeline(name: str) -> CounterMetricFamily:
    kind, _, what = name.partition("_")
    kinds = {"points": "points", "records": "log_records"}
    whole = f"{kinds[kind]}_{what or 'stored'}" if kind in kinds else f"requests_{name}"
    return CounterMetricFamily(f"otel_fmd_{whole}", _PIPELINE[name], labels=())


def _gauge(name: str) -> GaugeMetricFamily:
    description, unit = _GAUGES[name]
    return GaugeMetricFamily(f"otel_fmd_{name}", description, labels=(), unit=unit)


def _otlp() -> CounterMetricFamily:
    description = "What happened at the OTLP receiver."
    return CounterMetricFamily("otel_fmd_otlp", description, labels=("transport", "event"))


def _refused() -> CounterMetricFamily:
    return CounterMetricFamily(
        "otel_fmd_otlp_refused",
        "Requests refused, by path and status.",
        labels=("transport", "path", "reason"),
    )
