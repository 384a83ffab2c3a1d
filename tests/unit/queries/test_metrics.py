"""Metrics over time: the same whether points wait, are folded, or are rolled up."""

from __future__ import annotations

from typing import Any

import pytest

from otel_fmd.queries.metric_lines import Lines, MetricQuery, metric_lines
from otel_fmd.queries.metrics import Minutes, known_metrics
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.store.store import Store
from tests.support.points import CUMULATIVE, DELTA, counter, gauge, histogram
from tests.unit.rollups.test_fold_points import DAY_US, HOUR_NS, MINUTE_NS, NOW_NS, write

START_NS = NOW_NS - 3 * HOUR_NS
MINUTE = START_NS // MINUTE_NS


def lines(store: Store, name: str, aggregation: str = "", step: int = 15, **query: Any) -> Lines:
    """The lines of a metric over four hours."""
    with Reader(store).snapshot() as snapshot:
        (metric,) = [one for one in known_metrics(snapshot, "shop") if one.name == name]
        group_by = query.pop("group_by", ())
        minutes = query.pop("minutes", Minutes(MINUTE, MINUTE + 240, step))
        return metric_lines(
            snapshot, MetricQuery(metric, query.pop("labels", {}), group_by, aggregation, minutes)
        )


def filled(store: Store) -> None:
    """Two workers, a point each ten minutes for four hours; each export comes twice."""
    for step in range(24):
        at_ns = START_NS + step * 10 * MINUTE_NS + MINUTE_NS
        for worker in (1, 2):
            metrics = (
                gauge("memory", 100.0 * worker + step, at_ns=at_ns, unit="By"),
                counter("hits", 5 * worker * (step + 1), at_ns=at_ns, start_ns=START_NS),
                counter("queue", worker + step % 2, at_ns=at_ns, monotonic=False),
                histogram(
                    "latency",
                    [0.1, 1.0],
                    [step % 3, 2, 0],
                    at_ns=at_ns,
                    temporality=DELTA,
                    total=1.0,
                ),
            )
            for _ in range(2):
                write(store, *metrics, **{"process.pid": str(worker)})


QUERIES: list[dict[str, Any]] = [
    {"name": "memory", "aggregation": one} for one in ("avg", "min", "max", "sum", "last", "count")
] + [
    {"name": "hits", "aggregation": "sum", "group_by": ("process.pid",)},
    {"name": "hits", "aggregation": "rate", "step": 60},
    {"name": "queue"},
    {"name": "latency", "aggregation": "p95"},
    {"name": "latency", "aggregation": "avg", "labels": {"process.pid": "2"}},
    {"name": "memory", "step": 1, "minutes": Minutes(MINUTE + 7, MINUTE + 100, 1)},
    {"name": "hits", "aggregation": "sum", "minutes": Minutes(MINUTE + 3, MINUTE + 239, 7)},
]  # fmt: skip


def test_figures_are_the_same_before_and_after_folds_and_rolls(store: Store) -> None:
    """At each state, for every aggregation; nothing is counted twice, or missed."""
    filled(store)
    expected = [lines(store, **query) for query in QUERIES]
    folder, roller = PointFolder(store), PointRoller(store)
    for work in (
        lambda: folder.fold(20),
        lambda: folder.fold(20),
        lambda: roller.roll(3),
        lambda: folder.fold(1_000),
        lambda: roller.roll(1_000),
        lambda: roller.roll(1_000, NOW_NS // 1000 + 2 * DAY_US),
    ):
        work()
        for query, wanted in zip(QUERIES, expected, strict=True):
            found = lines(store, **query)
            assert found._replace(lines=[]) == wanted._replace(lines=[])
            for got, line in zip(found.lines, wanted.lines, strict=True):
                assert got.labels == line.labels
                assert got.values == pytest.approx(line.values), query


def test_each_aggregation_is_what_it_says(sqlite_store: Store) -> None:
    """By hand, for the first quarter of an hour: points at its first and eleventh minute."""
    filled(sqlite_store)
    first = {
        (query["name"], query.get("aggregation", "")): lines(sqlite_store, **query).lines
        for query in QUERIES[:11]
    }
    memory = {name: first["memory", name][0].values[0] for name in ("avg", "min", "max", "sum")}
    assert memory == {"avg": 150.5, "min": 100.0, "max": 201.0, "sum": 100.5 + 200.5}
    assert first["memory", "last"][0].values[0] == (101 + 201) / 2
    assert first["memory", "count"][0].values[0] == 4
    assert {line.labels: line.values[0] for line in first["hits", "sum"]} == {
        ("1",): 10.0,
        ("2",): 20.0,
    }
    assert first["hits", "rate"][0].values[1] == pytest.approx(6 * 15 / 3600)
    assert first["queue", ""][0].values[0] == 2 + 3
    assert first["latency", "avg"][0].values[0] == pytest.approx(2 / 5)


def test_days_come_from_days_and_edges_from_what_is_finer(store: Store) -> None:
    """A range of days, of which the last is not over."""
    day_ns = DAY_US * 1000
    for days in (0, 1):
        at_ns = NOW_NS - days * day_ns
        write(store, counter("hits", 1, 2, 3, at_ns=at_ns, temporality=DELTA))
    PointFolder(store).fold(64)
    first = (NOW_NS - day_ns) // MINUTE_NS // 1440 * 1440
    minutes = Minutes(first, first + 2 * 1440, 1440)
    expected = [6.0, 6.0]
    assert lines(store, "hits", "sum", minutes=minutes).lines[0].values == expected
    PointRoller(store).roll(100)
    assert lines(store, "hits", "sum", minutes=minutes).lines[0].values == expected
    PointRoller(store).roll(100, NOW_NS // 1000 + 2 * DAY_US)
    assert lines(store, "hits", "sum", minutes=minutes).lines[0].values == expected


def test_steps_are_aligned_and_as_fine_as_is_kept() -> None:
    """Minutes for three days, quarters of an hour before."""
    at_us = 1_750_000_000_000_000
    minute = 60_000_000
    assert Minutes.between(at_us - 90 * minute, at_us, minute, at_us).step == 1
    assert Minutes.between(at_us - 90 * minute, at_us, 20 * minute, at_us).step == 30
    old = Minutes.between(at_us - 5 * DAY_US, at_us, minute, at_us)
    assert (old.step, old.start % 15) == (15, 0)
    assert Minutes(0, 31, 15).steps == 3


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
def test_many_lines_are_bounded(sqlite_store: Store, temporality: int) -> None:
    """The largest are shown, the rest is counted."""
    many = [
        counter(
            "hits", n, 2 * n, at_ns=NOW_NS, start_ns=NOW_NS - 1, temporality=temporality,
            attributes=[("n", str(n))],
        )
        for n in range(30)
    ]  # fmt: skip
    write(sqlite_store, *many)
    found = lines(sqlite_store, "hits", "sum", group_by=("n",))
    assert (len(found.lines), found.others, found.series) == (24, 6, 30)
    assert found.lines[0].labels == ("29",)
