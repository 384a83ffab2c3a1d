"""Figures of a metric over time: series chosen, grouped, and aggregated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from otel_fmd.analysis.buckets import Buckets, Range, merged, percentile, ranges
from otel_fmd.analysis.point_rows import Slot
from otel_fmd.queries.metrics import (
    KnownMetric,
    KnownSeries,
    Minutes,
    known_series,
    slots_by_step,
)
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.metric import MetricKind

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
AGGREGATIONS = ("rate", "sum", "avg", "min", "max", "last", "count", *PERCENTILES)
USUAL = {
    MetricKind.GAUGE: "avg",
    MetricKind.SUM: "rate",
    MetricKind.UP_DOWN: "last",
    MetricKind.HISTOGRAM: "p95",
    MetricKind.SUMMARY: "avg",
}
"""The aggregation that shows most of a kind of metric."""
_OF_KIND = {
    MetricKind.GAUGE: ("avg", "min", "max", "last", "sum", "count"),
    MetricKind.SUM: ("rate", "sum", "count"),
    MetricKind.UP_DOWN: ("last", "avg", "min", "max", "sum", "count"),
    MetricKind.HISTOGRAM: (*PERCENTILES, "avg", "rate", "sum", "count", "min", "max"),
    MetricKind.SUMMARY: ("avg", "rate", "sum", "count"),
}
MOST_LINES = 24
MOST_SERIES = 5_000
"""Series that one query reads."""


class MetricQuery(NamedTuple):
    """What is asked of a metric.

    Args:
        metric: the metric.
        labels: only series with these.
        group_by: a line for each value of these; () for one line.
        aggregation: one of `AGGREGATIONS`; one that the kind has not, or '', is the usual one.
        minutes: range and steps.
        most: lines.
    """

    metric: KnownMetric
    labels: Mapping[str, str]
    group_by: Sequence[str]
    aggregation: str
    minutes: Minutes
    most: int = MOST_LINES


class Line(NamedTuple):
    """One line: the values of what it is grouped by, and a value for each step, None where none."""

    labels: tuple[str, ...]
    values: list[float | None]


class Lines(NamedTuple):
    """The lines of a query, those with the largest values first.

    `others` were left out, `aggregation` is the one that was used, `series` how many were read of
    `of_series`.
    """

    lines: list[Line]
    others: int
    aggregation: str
    series: int
    of_series: int


class _Of(NamedTuple):
    """What one series measured in a step."""

    series: KnownSeries
    slot: Slot


def aggregations_of(kind: int) -> tuple[str, ...]:
    """Those that mean something for a kind of metric."""
    return _OF_KIND[kind]


def metric_lines(snapshot: Snapshot, query: MetricQuery) -> Lines:
    """The answer to a query.

    Steps are those of `query.minutes`. `rate` is per second: of a sum what it grew by, of a
    histogram how often it measured. `sum` of a gauge adds the means of its series up, `last` of a
    sum that also falls the last values of its series.
    """
    every = known_series(snapshot, query.metric.id, query.labels)
    series = {one.id: one for one in every[:MOST_SERIES]}
    aggregation = query.aggregation
    if aggregation not in _OF_KIND[query.metric.kind]:
        aggregation = USUAL[query.metric.kind]
    found: defaultdict[tuple[str, ...], defaultdict[int, list[_Of]]]
    found = defaultdict(lambda: defaultdict(list))
    for number, steps in slots_by_step(snapshot, query.metric.id, sorted(series), query.minutes):
        one = series[number]
        labels = one.labels
        group = found[tuple(labels.get(name, "") for name in query.group_by)]
        for step, slot in steps.items():
            group[step].append(_Of(one, slot))
    made = [
        Line(labels, _values(steps, aggregation, query)) for labels, steps in sorted(found.items())
    ]
    ordered = sorted(made, key=_largest, reverse=True)
    return Lines(
        ordered[: query.most],
        max(0, len(made) - query.most),
        aggregation,
        len(series),
        len(every),
    )


def _largest(line: Line) -> float:
    return max((value for value in line.values if value is not None), default=float("-inf"))


def _values(
    steps: Mapping[int, list[_Of]], aggregation: str, query: MetricQuery
) -> list[float | None]:
    minutes = query.minutes
    values: list[float | None] = [None] * minutes.steps
    for step, ones in steps.items():
        end = min(minutes.start + (step + 1) * minutes.step, minutes.end)
        seconds = (end - minutes.start - step * minutes.step) * 60
        value = _value(ones, aggregation, query.metric.kind, seconds)
        values[step] = value if value is not None and isfinite(value) else None
    return values


def _value(ones: list[_Of], aggregation: str, kind: int, seconds: int) -> float | None:
    number = sum(one.slot.number for one in ones)
    total = sum(one.slot.sum for one in ones)
    if aggregation in PERCENTILES:
        return percentile(_merged(ones), PERCENTILES[aggregation])
    if aggregation == "count":
        return float(number)
    if aggregation == "rate":
        return (total if kind == MetricKind.SUM else number) / seconds
    if aggregation == "avg":
        return total / number if number else None
    if aggregation == "sum" and kind in (MetricKind.GAUGE, MetricKind.UP_DOWN):
        return sum(one.slot.sum / one.slot.number for one in ones)
    if aggregation == "last":
        last = [one.slot.last for one in ones if one.slot.last is not None]
        if kind == MetricKind.UP_DOWN:
            return sum(last) if last else None
        return sum(last) / len(last) if last else None
    if aggregation == "sum":
        return total
    limits = [one.slot.least if aggregation == "min" else one.slot.most for one in ones]
    return _limit(min if aggregation == "min" else max, limits)


def _limit(choose: Callable[[list[float]], float], limits: Sequence[float | None]) -> float | None:
    known = [one for one in limits if one is not None]
    return choose(known) if known else None


def _merged(ones: list[_Of]) -> list[Range]:
    """The buckets of several series, as ranges of values."""
    by_bounds: defaultdict[tuple[float, ...], list[Slot]] = defaultdict(list)
    for one in ones:
        if one.slot.buckets is not None:
            by_bounds[one.series.bounds].append(one.slot)
    parts = []
    for bounds, slots in sorted(by_bounds.items()):
        whole = Buckets()
        for slot in slots:
            whole = whole.plus(slot.buckets or Buckets())
        least = _limit(min, [slot.least for slot in slots])
        most = _limit(max, [slot.most for slot in slots])
        # Limits hold for all only if each has them.
        known = all(slot.least is not None and slot.most is not None for slot in slots)
        parts.append(ranges(whole, bounds, least if known else None, most if known else None))
    return merged(parts) if parts else []
