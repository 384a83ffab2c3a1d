"""The neutral records of metrics: points of one metric side by side, as columns.

A body holds thousands of points that differ in a time and a number: an object for each of them
would cost more than all the rest. Attributes stay in the encoding they came in until their series
is new. Times are unix nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from otel_fmd.signals.record import AttributeValue, Resource

NO_RECORDED_VALUE = 1
"""The flag of a point that says that a series has no value now."""
CUMULATIVE = 2
"""`AGGREGATION_TEMPORALITY_CUMULATIVE`; 1 is delta."""


class MetricKind:
    """What the points of a metric are.

    Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/
    """

    GAUGE = 0
    SUM = 1
    """A sum that only grows: increases and rates."""
    UP_DOWN = 2
    """A sum that also falls: what it is now."""
    HISTOGRAM = 3
    SUMMARY = 4


KIND_NAMES = ("gauge", "sum", "up-down", "histogram", "summary")
"""What the kinds are called, by their number."""


class Metric(NamedTuple):
    """A metric as one resource reports it."""

    resource: Resource
    name: str
    unit: str
    description: str
    kind: int
    is_cumulative: bool


class Distribution(NamedTuple):
    """The value of a histogram's point, or of a summary's, which has no buckets.

    Args:
        number: how many were measured.
        sum: their sum; 0.0 when it is not known.
        least: the smallest, and
        most: the largest of them; None when not known.
        bounds: of an explicit histogram, the upper bounds of all buckets but the last; else empty.
        scale: of an exponential histogram; None of others.
        zero: how many were zero, or as good as.
        counts: by the number of their bucket. Bucket `i` of an explicit histogram ends at bound
            `i`, inclusive; of an exponential one it holds `(base**i, base**(i+1)]`.
        negative: the same for values below zero, by magnitude.
    """

    number: int
    sum: float
    least: float | None
    most: float | None
    bounds: tuple[float, ...] = ()
    scale: int | None = None
    zero: int = 0
    counts: Mapping[int, int] = {}
    negative: Mapping[int, int] = {}


class Exemplar(NamedTuple):
    """One measurement that a point stands for, and the span in which it was taken."""

    time_ns: int
    value: float
    trace_id: bytes
    span_id: bytes


class Point(NamedTuple):
    """One point, whole, for those who need no speed."""

    metric: Metric
    attributes: Mapping[str, AttributeValue]
    start_ns: int
    time_ns: int
    value: float
    distribution: Distribution | None


@dataclass(slots=True)
class PointBlock:
    """The points of one metric of one body, in columns of the same length.

    Args:
        metric: the metric.
        key: identifies the metric: the same bytes, the same metric.
        attributes: decodes one of `keys`.
        keys: the encoded attributes of each point; the same bytes, the same attributes.
        starts_ns: where sums and histograms begin; 0 when it is not known.
        times_ns: of the points.
        values: numbers; of a distribution its sum.
        distributions: empty if the points are numbers.
        exemplars: with the place of their point.
    """

    metric: Metric
    key: bytes
    attributes: Callable[[bytes], dict[str, AttributeValue]]
    keys: list[bytes] = field(default_factory=list)
    starts_ns: list[int] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    distributions: list[Distribution] = field(default_factory=list)
    exemplars: list[tuple[int, Exemplar]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def point(self, place: int) -> Point:
        """One of them."""
        return Point(
            self.metric,
            self.attributes(self.keys[place]),
            self.starts_ns[place],
            self.times_ns[place],
            self.values[place],
            self.distributions[place] if self.distributions else None,
        )


class Points(Sequence[Point]):
    """The points of a body.

    Args:
        blocks: by metric.
    """

    def __init__(self, blocks: Sequence[PointBlock]) -> None:
        self.blocks = blocks
        self._length = sum(map(len, blocks))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Point]:
        return (block.point(place) for block in self.blocks for place in range(len(block)))

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        return list(self)[place]
