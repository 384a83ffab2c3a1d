"""Figures over time, and the distribution of durations by buckets."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.analysis.histogram import BASE, ZERO_BUCKET
from otel_fmd.queries.latency import histograms
from otel_fmd.queries.series import Step, time_series
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import known_range
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ONLY_ENDPOINT, Parameter, one_of, one_schema
from otel_fmd.views.view import Column, Table, View

STEPS = {"hour": 1, "day": 24}
STEP = Parameter(
    "step",
    "The length of a step: an hour, or a day in UTC.",
    one_of(*STEPS),
    "hour",
    schema=one_schema(*STEPS),
)
_DIGITS = 6


class Bucket(NamedTuple):
    """A bucket of durations, over `low_ms` and up to `high_ms`, and its requests."""

    low_ms: float
    high_ms: float
    requests: int


def load_series(snapshot: Snapshot, look: Look) -> list[Step]:
    """The steps of the selected time that have requests."""
    selection, endpoint = look.selection(snapshot), look.value(ONLY_ENDPOINT)
    if endpoint is not None:
        selection = selection.of([endpoint], selection.version_ids)
    return time_series(snapshot, known_range(snapshot, selection), STEPS[look.value(STEP)])


def load_histogram(snapshot: Snapshot, look: Look) -> list[Bucket]:
    """The buckets that have requests, the shortest durations first."""
    selection, endpoint = look.selection(snapshot), look.value(ONLY_ENDPOINT)
    if endpoint is not None:
        selection = selection.of([endpoint], selection.version_ids)
    counts = histograms(snapshot, selection, ()).get(())
    if counts is None:
        return []
    return [
        Bucket(*_bounds_ms(place + ZERO_BUCKET), int(counts[place]))
        for place in counts.nonzero()[0].tolist()
    ]


def _bounds_ms(bucket: int) -> tuple[float, float]:
    if bucket == ZERO_BUCKET:
        return 0.0, 1e-6
    return BASE**bucket / 1e6, BASE ** (bucket + 1) / 1e6


def _series_table(data: list[Step], look: Look) -> Table:
    names = ("median_ms", "p95_ms", "p99_ms")
    rows = []
    for one in data:
        durations = one.durations
        figures = (durations.median, durations.p95, durations.p99) if durations else ()
        rows.append(
            (
                look.time_of(one.start_us),
                one.requests,
                one.errors,
                *(round(value, _DIGITS) for value in figures),
                *([""] * (len(names) - len(figures))),
            )
        )
    columns = (*map(Column, ("time", "requests", "errors")), *(Column(one, "ms") for one in names))
    return Table(columns, rows)


TIME_SERIES = View(
    name="time-series",
    title="Over time",
    description="Requests, errors (status 400 to 599) and durations of each hour or day.",
    load=load_series,
    table=_series_table,
    parameters=(ONLY_ENDPOINT, STEP),
)
HISTOGRAM = View(
    name="histogram",
    title="Distribution of durations",
    description="How many requests took how long; a bucket is 2.2 % wide.",
    load=load_histogram,
    table=lambda data, _look: Table(
        (Column("low_ms", "ms"), Column("high_ms", "ms"), Column("requests")), data
    ),
    parameters=(ONLY_ENDPOINT,),
)
