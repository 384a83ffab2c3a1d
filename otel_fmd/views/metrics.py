"""Metrics: which there are, and one of them over time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_fmd.queries.exemplars import LinkedExemplar, exemplars
from otel_fmd.queries.metric_lines import (
    AGGREGATIONS,
    Line,
    MetricQuery,
    aggregations_of,
    metric_lines,
)
from otel_fmd.queries.metrics import KnownMetric, Minutes, known_metrics, known_series
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.metric import KIND_NAMES
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import Parameter, one_of, one_schema, whole_number, whole_schema
from otel_fmd.views.view import NOTHING, Column, Table, View

NO_METRICS = (
    "No metrics. Every OpenTelemetry agent sends them by default: set OTEL_EXPORTER_OTLP_ENDPOINT "
    "to the address of this receiver, and leave OTEL_METRICS_EXPORTER as it is."
)
MINUTE_US = 60_000_000
_STEPS = (1, 5, 15, 30, 60, 180, 360, 1_440, 10_080)
"""Minutes of an automatic step."""
_MOST_STEPS = 240
_MOST_VALUES = 200
_MOST_LABELS = 16
_MOST_STEP_S = 7 * 86_400


class NoMetric(NamedTuple):
    """Why a metric cannot be shown; false."""

    reason: str

    def __bool__(self) -> bool:
        return False


class MetricOverTime(NamedTuple):
    """A metric over time.

    Args:
        metric: the metric.
        aggregation: how values were put together.
        aggregations: how they can be.
        unit: of the values.
        minutes: range and steps.
        group_by: what a line stands for.
        lines: the lines; `others` more were left out.
        others: how many.
        series: how many series were read, of
        of_series: so many with these labels.
        labels: every label, with its values.
        exemplars: measurements that are linked to requests.
    """

    metric: KnownMetric
    aggregation: str
    aggregations: Sequence[str]
    unit: str
    minutes: Minutes
    group_by: Sequence[str]
    lines: Sequence[Line]
    others: int
    series: int
    of_series: int
    labels: Mapping[str, Sequence[str]]
    exemplars: Sequence[LinkedExemplar]

    def __bool__(self) -> bool:
        return bool(self.lines)


def labels_in(text: str) -> dict[str, str]:
    """Labels as a JSON object of texts, such as `{"http.route": "/items"}`.

    Raises:
        ValueError: it is none.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise ValueError(f'{text[:50]!r}: expected JSON such as {{"http.route": "/items"}}')
    if len(found) > _MOST_LABELS:
        raise ValueError(f"{len(found)} labels: expected at most {_MOST_LABELS}")
    return found


def names_in(text: str) -> Sequence[str]:
    """Names separated by commas.

    Raises:
        ValueError: there are too many.
    """
    found = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if len(found) > _MOST_LABELS:
        raise ValueError(f"{len(found)} names: expected at most {_MOST_LABELS}")
    return found


def _step_in(text: str) -> int:
    number = whole_number(text, _MOST_STEP_S)
    if 0 < number < 60:
        raise ValueError(f"{text!r}: expected 0, or at least 60 seconds")
    return number


METRIC = Parameter(
    "metric", "The id of a metric.", whole_number, 0, in_path=True, schema=whole_schema()
)
AGGREGATION = Parameter(
    "aggregation",
    "How values are put together: `rate` a second, `sum`, `avg`, `min`, `max`, `last`, `count`, or "
    "a percentile. Without it, or with one that the metric's kind has not, the usual one.",
    one_of(*AGGREGATIONS),
    "",
    schema=one_schema(*AGGREGATIONS),
)
GROUP_BY: Parameter[Sequence[str]] = Parameter(
    "group_by", "A line for each value of these labels, separated by commas.", names_in, ()
)
LABELS: Parameter[dict[str, str]] = Parameter(
    "labels",
    'Only series with these labels: a JSON object such as `{"http.route": "/items"}`.',
    labels_in,
    {},
)
STEP_SECONDS = Parameter(
    "step_s",
    "The length of a step in seconds, in whole minutes; 0, or without it: by the range.",
    _step_in,
    0,
    schema=whole_schema(_MOST_STEP_S),
)


def load(snapshot: Snapshot, look: Look) -> list[KnownMetric]:
    """The metrics of the selected service."""
    return known_metrics(snapshot, look.service)


def load_one(snapshot: Snapshot, look: Look) -> MetricOverTime | NoMetric:
    """One metric in the selected time."""
    number = look.value(METRIC)
    metric = next((one for one in known_metrics(snapshot, None) if one.id == number), None)
    if metric is None:
        return NoMetric(f"There is no metric {number}; it may have been removed.")
    minutes = minutes_of(look, look.value(STEP_SECONDS))
    labels = look.value(LABELS)
    query = MetricQuery(metric, labels, look.value(GROUP_BY), look.value(AGGREGATION), minutes)
    found = metric_lines(snapshot, query)
    every = known_series(snapshot, metric.id)
    chosen = [one.id for one in every if labels.items() <= one.labels.items()]
    linked = exemplars(
        snapshot, metric.id, chosen, minutes.start * MINUTE_US, minutes.end * MINUTE_US
    )
    values: dict[str, set[str]] = {}
    for one in every:
        for name, value in one.labels.items():
            values.setdefault(name, set()).add(value)
    return MetricOverTime(
        metric,
        found.aggregation,
        aggregations_of(metric.kind),
        unit_of(metric.unit, found.aggregation),
        minutes,
        query.group_by,
        found.lines,
        found.others,
        found.series,
        found.of_series,
        {name: sorted(ones)[:_MOST_VALUES] for name, ones in sorted(values.items())},
        linked,
    )


def minutes_of(look: Look, step_s: int = 0) -> Minutes:
    """The selected time in steps, of this many seconds or, for 0, as many as can be told apart."""
    start_us, end_us = look.times_us()
    minutes = (end_us - start_us) / MINUTE_US
    fitting = (step for step in _STEPS if minutes / step <= _MOST_STEPS)
    step_us = step_s * 1_000_000 or next(fitting, _STEPS[-1]) * MINUTE_US
    # No more steps than can be shown, whatever is asked for.
    step_us = max(step_us, (end_us - start_us) // 10_000)
    return Minutes.between(start_us, end_us, step_us, look.now_us)


def unit_of(unit: str, aggregation: str) -> str:
    """The unit of aggregated values, as UCUM has it."""
    if aggregation == "count":
        return "1"
    if aggregation == "rate":
        return f"{unit or '1'}/s"
    return unit or "1"


def list_table(data: list[KnownMetric], _look: Look) -> Table:
    """One row per metric."""
    names = ("metric", "service", "name", "kind", "unit", "series", "description")
    rows = [
        (
            one.id,
            one.service,
            one.name,
            KIND_NAMES[one.kind],
            one.unit,
            one.series,
            one.description,
        )
        for one in data
    ]
    return Table(tuple(map(Column, names)), rows)


def lines_table(data: MetricOverTime | NoMetric, look: Look) -> Table:
    """One row per step with a value, and line."""
    if isinstance(data, NoMetric):
        return NOTHING
    rows: list[tuple[Any, ...]] = []
    for line in data.lines:
        for step, value in enumerate(line.values):
            if value is not None:
                rows.append((look.time_of(step_start_us(data.minutes, step)), *line.labels, value))
    return Table((Column("time"), *map(Column, data.group_by), Column("value", data.unit)), rows)


def step_start_us(minutes: Minutes, step: int) -> int:
    """When a step begins, in unix microseconds."""
    return (minutes.start + step * minutes.step) * MINUTE_US


METRICS = View(
    name="metrics",
    title="Metrics",
    description="What the apps measure of themselves. A series is one combination of attributes "
    "and process.",
    load=load,
    table=list_table,
    empty=NO_METRICS,
)
METRIC_OVER_TIME = View(
    name="metric",
    title="Metric over time",
    description="Values of one metric. Drag to zoom; click a name in the legend to hide its line.",
    load=load_one,
    table=lines_table,
    empty="No points of this metric in the selected time range, with these labels.",
    parameters=(METRIC, AGGREGATION, GROUP_BY, LABELS, STEP_SECONDS),
)
