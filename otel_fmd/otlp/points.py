"""What both encodings of metrics share: what a point must be, and how bad ones are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any, NamedTuple

from otel_fmd.otlp.errors import TooLargeError
from otel_fmd.signals.metric import Distribution, MetricKind, PointBlock, Points

RECORD_BYTES = 320
"""What a point takes in memory, in addition to its bytes on the wire."""
MOST_BUCKETS = 2_048
"""Buckets of one histogram that are read; SDKs send 160 at the most."""
MOST_COUNT = 2**48
MOST_QUANTILES = 32
MOST_EXEMPLARS = 4
"""Exemplars read of one point."""
LAST_NS = 2**63 - 1
_LARGEST_SCALE, _SMALLEST_SCALE = 20, -10


class DecodedPoints(NamedTuple):
    """The usable points of a request, how many were rejected, and the first thing that was wrong.

    `reason` may also name a fault that cost no point: an unreadable attribute of a resource.
    """

    points: Points
    rejected: int
    reason: str

    @property
    def records(self) -> Points:
        """The points."""
        return self.points

    @property
    def memory(self) -> int:
        """About how many bytes they take while they wait."""
        return sum(
            len(block) * RECORD_BYTES + sum(map(len, block.keys)) for block in self.points.blocks
        )


class PointReader:
    """Collects the points of a body; counts what they take as it goes.

    Args:
        most: messages that the body may hold, down to its points.
        growing: called with a number of bytes before they are taken.
    """

    def __init__(self, most: int, growing: Callable[[int], None]) -> None:
        self._growing = growing
        self.left = self._most = most
        self.blocks: list[PointBlock] = []
        self.rejected = 0
        self.reason = ""

    def decoded(self) -> DecodedPoints:
        """What was read."""
        blocks = [block for block in self.blocks if block.keys]
        return DecodedPoints(Points(blocks), self.rejected, self.reason)

    def spend(self, number: int) -> None:
        """Count messages against what the body may hold.

        Raises:
            TooLargeError: it holds too many.
        """
        self.left -= number
        if self.left < 0:
            raise self.too_large()
        self._growing(number * RECORD_BYTES)

    def too_large(self) -> TooLargeError:
        """The error of a body that holds too many messages."""
        return TooLargeError(f"the body holds more than {self._most} points")

    def reject(self, name: str, why: str) -> None:
        """Count a point that cannot be used."""
        self.rejected += 1
        self.reason = self.reason or f"a point of {name[:100]!r}: {why}"

    def weed(self, block: PointBlock, name: str) -> None:
        """Reject the numbers whose time or value cannot be used."""
        times_ns, starts_ns = block.times_ns, block.starts_ns
        if not times_ns or (
            all(map(isfinite, block.values))
            and min(times_ns) > 0
            and max(times_ns) <= LAST_NS
            and max(starts_ns) <= LAST_NS
        ):
            return
        good: list[int] = []
        for place in range(len(block)):
            try:
                check_times(block.starts_ns[place], block.times_ns[place])
                check_number(block.values[place])
            except ValueError as problem:
                self.reject(name, str(problem))
            else:
                good.append(place)
        moved = {old: new for new, old in enumerate(good)}
        block.exemplars = [(moved[at], one) for at, one in block.exemplars if at in moved]
        block.keys = [block.keys[place] for place in good]
        block.starts_ns = [starts_ns[place] for place in good]
        block.times_ns = [times_ns[place] for place in good]
        block.values = [block.values[place] for place in good]

    def note(self, why: str) -> None:
        """Note a fault that costs no point."""
        self.reason = self.reason or why


def kind_of_sum(is_monotonic: bool) -> int:
    """What a sum is."""
    return MetricKind.SUM if is_monotonic else MetricKind.UP_DOWN


def check_times(start_ns: int, time_ns: int) -> None:
    """Check the times of a point.

    Raises:
        ValueError: they cannot be used.
    """
    if not 0 < time_ns <= LAST_NS:
        raise ValueError("its time must be set, after 1970 and before 2262")
    if start_ns > LAST_NS:
        raise ValueError("its start must be before 2262")


def check_count(count: int) -> None:
    """Check how many a histogram counts.

    Raises:
        ValueError: more than can be added up.
    """
    if count > MOST_COUNT:
        raise ValueError(f"its count must be at most {MOST_COUNT}; got {count}")


def check_number(value: float) -> float:
    """A value that is one.

    Raises:
        ValueError: it is infinite, or not a number.
    """
    if not isfinite(value):
        raise ValueError(f"its value must be a finite number; got {value}")
    return value


def explicit(
    count: int,
    total: float,
    least: float | None,
    most: float | None,
    bounds: Sequence[float],
    counts: Sequence[int],
) -> Distribution:
    """An explicit histogram's point.

    Raises:
        ValueError: it contradicts itself.
    """
    check_count(count)
    if len(counts) > MOST_BUCKETS:
        raise ValueError(f"{len(counts)} buckets; at most {MOST_BUCKETS} are expected")
    if counts and len(counts) != len(bounds) + 1:
        raise ValueError(f"{len(counts)} buckets with {len(bounds)} bounds; one more is expected")
    if not all(map(isfinite, bounds)) or any(low >= high for low, high in pairwise(bounds)):
        raise ValueError("its bounds must be finite and grow")
    if counts and sum(counts) != count:
        raise ValueError(f"its buckets hold {sum(counts)}, its count is {count}")
    found = {place: number for place, number in enumerate(counts) if number}
    return Distribution(
        count, _known(total) or 0.0, _known(least), _known(most), tuple(bounds), None, 0, found
    )


def exponential(
    count: int,
    total: float,
    least: float | None,
    most: float | None,
    scale: int,
    zero: int,
    positive: tuple[int, Sequence[int]],
    negative: tuple[int, Sequence[int]],
) -> Distribution:
    """An exponential histogram's point; buckets as offset and counts.

    Raises:
        ValueError: it contradicts itself.
    """
    check_count(count)
    if not _SMALLEST_SCALE <= scale <= _LARGEST_SCALE:
        raise ValueError(
            f"its scale must be from {_SMALLEST_SCALE} to {_LARGEST_SCALE}; got {scale}"
        )
    buckets = []
    for offset, counts in (positive, negative):
        if len(counts) > MOST_BUCKETS:
            raise ValueError(f"{len(counts)} buckets; at most {MOST_BUCKETS} are expected")
        buckets.append({offset + place: number for place, number in enumerate(counts) if number})
    if sum(map(sum, (one.values() for one in buckets))) + zero != count:
        raise ValueError(f"its buckets do not hold its count, {count}")
    return Distribution(
        count, _known(total) or 0.0, _known(least), _known(most), (), scale, zero, *buckets
    )


def _known(value: float | None) -> float | None:
    """A sum or a limit, as far as it is a number: Java's SDK sends NaN where it knows none."""
    return value if value is not None and isfinite(value) else None


def quantile_pair(quantile: float) -> dict[str, Any]:
    """The attribute of a summary's quantile in JSON: each quantile is a gauge here."""
    return {"key": "quantile", "value": {"stringValue": f"{quantile:g}"}}
