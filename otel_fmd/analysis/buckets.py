"""Histograms of metrics: added, subtracted, made coarser, and read as percentiles.

An exponential histogram keeps the scale it came with, at most 5: finer ones are made coarser as
the data model says, exactly. Two of different scales meet at the coarser one. An explicit one keeps
its buckets; its percentiles are interpolated within the bucket that holds the rank, so that their
error is at most the width of that bucket. At scale 5 it is 1.1 %.
Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from otel_fmd.signals.metric import Distribution

FINEST_SCALE = 5
"""The scale of the histograms of requests: finer ones would only take space."""
_LARGEST = 1.7976931348623157e308
EXPLICIT = 127
"""Stands for the scale of explicit histograms."""


class Buckets(NamedTuple):
    """The counts of a histogram.

    Args:
        scale: of an exponential one, or `EXPLICIT`.
        zero: how many were zero.
        counts: by bucket; see `signals.metric.Distribution`.
        negative: the same, by magnitude, for values below zero.
    """

    scale: int = EXPLICIT
    zero: int = 0
    counts: Mapping[int, int] = {}
    negative: Mapping[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self.counts or self.zero or self.negative)

    def at(self, scale: int) -> Buckets:
        """The same at a coarser scale; explicit ones have none."""
        shift = self.scale - scale
        if shift <= 0 or self.scale == EXPLICIT:
            return self
        return Buckets(
            scale, self.zero, _shifted(self.counts, shift), _shifted(self.negative, shift)
        )

    def plus(self, other: Buckets) -> Buckets:
        """The sum of two of one kind."""
        if not self:
            return other
        if not other:
            return self
        scale = min(self.scale, other.scale)
        one, two = self.at(scale), other.at(scale)
        return Buckets(
            scale,
            one.zero + two.zero,
            _sum(one.counts, two.counts),
            _sum(one.negative, two.negative),
        )

    def minus(self, before: Buckets) -> Buckets | None:
        """What was added to `before`; None when a count fell, so that it is no continuation."""
        scale = min(self.scale, before.scale) if before else self.scale
        one, two = self.at(scale), before.at(scale)
        counts, negative = _rest(one.counts, two.counts), _rest(one.negative, two.negative)
        if counts is None or negative is None or one.zero < two.zero:
            return None
        return Buckets(scale, one.zero - two.zero, counts, negative)


def buckets_of(found: Distribution) -> Buckets:
    """The counts of a point."""
    if found.scale is None:
        return Buckets(EXPLICIT, 0, found.counts, {})
    return Buckets(found.scale, found.zero, found.counts, found.negative).at(FINEST_SCALE)


def _shifted(counts: Mapping[int, int], shift: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for bucket, count in counts.items():
        coarser = bucket >> shift
        found[coarser] = found.get(coarser, 0) + count
    return found


def _sum(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    found = dict(one)
    for bucket, count in other.items():
        found[bucket] = found.get(bucket, 0) + count
    return found


def _rest(one: Mapping[int, int], before: Mapping[int, int]) -> dict[int, int] | None:
    found = dict(one)
    for bucket, count in before.items():
        left = found.get(bucket, 0) - count
        if left < 0:
            return None
        if left:
            found[bucket] = left
        else:
            found.pop(bucket, None)
    return found


class Range(NamedTuple):
    """A bucket as a range of values, over `low` and up to `high`, and how many are in it."""

    low: float
    high: float
    number: int


def ranges(
    buckets: Buckets, bounds: Sequence[float], least: float | None, most: float | None
) -> list[Range]:
    """The buckets that hold something, the lowest values first.

    Args:
        buckets: the counts.
        bounds: of an explicit histogram.
        least: the smallest value measured, where it is known, and
        most: the largest one; the outermost buckets end there.
    """
    if buckets.scale == EXPLICIT:
        found = [
            _explicit(place, count, bounds, most) for place, count in sorted(buckets.counts.items())
        ]
    else:
        width = 2.0**-buckets.scale
        found = [
            Range(-_bound(place + 1, width), -_bound(place, width), count)
            for place, count in sorted(buckets.negative.items(), reverse=True)
        ]
        if buckets.zero:
            found.append(Range(0.0, 0.0, buckets.zero))
        found += [
            Range(_bound(place, width), _bound(place + 1, width), count)
            for place, count in sorted(buckets.counts.items())
        ]
    return [_within(one, least, most) for one in found]


def _bound(place: int, width: float) -> float:
    """Where a bucket begins; `width` is in powers of two."""
    try:
        return float(2.0 ** (place * width))
    except OverflowError:
        return _LARGEST


def _explicit(place: int, count: int, bounds: Sequence[float], most: float | None) -> Range:
    """A bucket of an explicit histogram; the last one has no bound, but for the largest value."""
    if not bounds:
        return Range(0.0, 0.0 if most is None else most, count)
    if place < len(bounds):
        return Range(bounds[place - 1] if place else min(0.0, bounds[0]), bounds[place], count)
    return Range(bounds[-1], bounds[-1] if most is None else max(bounds[-1], most), count)


def _within(one: Range, least: float | None, most: float | None) -> Range:
    low = one.low if least is None else min(max(one.low, least), one.high)
    high = one.high if most is None else max(min(one.high, most), low)
    return Range(low, high, one.number)


def percentile(found: Sequence[Range], fraction: float) -> float | None:
    """The value at a fraction (0 to 1), interpolated within its bucket; None without counts."""
    total = sum(one.number for one in found)
    if not total:
        return None
    rank = min(total, max(1, ceil(fraction * total - 1e-9)))
    for low, high, count in found:
        if rank <= count:
            # The middle of the rank's share of the bucket.
            return low + (high - low) * (rank - 0.5) / count
        rank -= count
    raise AssertionError("unreachable")


def merged(parts: Sequence[Sequence[Range]]) -> list[Range]:
    """Ranges of several histograms as one list, by value.

    Where they overlap, a range is divided at the limits of the others, its count spread evenly.
    """
    if len(parts) == 1:
        return list(parts[0])
    edges = sorted({edge for part in parts for one in part for edge in (one.low, one.high)})
    totals: dict[tuple[float, float], float] = {}
    for part in parts:
        for low, high, count in part:
            inner = [edge for edge in edges if low < edge < high] if high > low else []
            ends = [low, *inner, high]
            for begin, end in pairwise(ends):
                share = (end - begin) / (high - low) if high > low else 1.0
                totals[begin, end] = totals.get((begin, end), 0.0) + count * share
    whole: list[Range] = []
    seen = given = 0.0
    for (low, high), part_of_it in sorted(totals.items()):
        seen += part_of_it
        number = round(seen) - round(given)
        given = seen
        if number:
            whole.append(Range(low, high, number))
    return whole
