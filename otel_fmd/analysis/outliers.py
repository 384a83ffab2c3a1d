"""FMD's outlier rule: a duration over a constant times the mean of its endpoint; its facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(slots=True)
class RunningMean:
    """The number and total duration of an endpoint's requests, in nanoseconds."""

    count: int = 0
    sum_ns: int = 0

    def add(self, duration_ns: int) -> None:
        """Take one more request into the mean."""
        self.count += 1
        self.sum_ns += duration_ns


@dataclass(frozen=True, slots=True)
class OutlierRule:
    """When a request is an outlier.

    Args:
        constant: how many times the mean a duration must exceed (FMD's OUTLIER_DETECTION_CONSTANT).
        min_requests: requests of the endpoint that must be known before any is an outlier.
    """

    constant: float = 2.5
    min_requests: int = 30

    def threshold_ns(self, mean: RunningMean) -> float:
        """The duration, in nanoseconds, above which a request is an outlier; inf when unknown."""
        if mean.count < max(1, self.min_requests):
            return float("inf")
        return self.constant * mean.sum_ns / mean.count

    def is_outlier(self, duration_ns: int, mean: RunningMean) -> bool:
        """Whether a request of this duration is an outlier, judged by the ones before it."""
        return duration_ns > self.threshold_ns(mean)


class OutlierLoad(NamedTuple):
    """How busy the machine was at an outlier: percent of each core, of memory (None: unknown)."""

    time_requested: datetime
    duration_ms: float
    cpu_percent: list[float]
    memory_percent: float | None
