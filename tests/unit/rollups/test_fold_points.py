"""Points on every engine: what a client sends again changes nothing, and nothing is lost."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from sqlalchemy import func, select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.analysis.point_rows import Slot, unpack
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.ingest.points import batch_of_points
from otel_fmd.ingest.series import SeriesLimits
from otel_fmd.ingest.write import BatchWriter, Written
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.rollups.fold_points import Folded, PointFolder
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.store.metric_tables import GRAIN_DAY, GRAIN_HOUR
from otel_fmd.store.packed_points import packed_rows
from otel_fmd.store.point_delta import unpack_exemplars
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us
from otel_fmd.upkeep.retention import Retention
from tests.support.points import CUMULATIVE, DELTA, counter, gauge, histogram, metrics_body

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_US = 86_400_000_000
NOW_NS = now_us() * 1000 // HOUR_NS * HOUR_NS - HOUR_NS
"""The beginning of the last hour that is over."""


def write(
    store: Store, *metrics: Metric, limits: SeriesLimits | None = None, **resource: Any
) -> Written:
    """Store a body as a receiver does; every writer is another process."""
    writer = BatchWriter(store, OutlierRule(), series_limits=limits)
    body = metrics_body(*metrics, **resource).SerializeToString()
    return writer.write(batch_of_points(decode_protobuf(body).points))


def rows(store: Store, grain: str = "hour") -> dict[tuple[int, int], dict[int, Slot]]:
    """The slots of every row, by period and series."""
    found: dict[tuple[int, int], dict[int, Slot]] = {}
    with store.read() as connection:
        if grain == "total":
            for row in connection.execute(select(store.tables.metric_day)):
                found[row.day, row.series_id] = unpack(row.payload)
            return found
        number = {"hour": GRAIN_HOUR, "day": GRAIN_DAY}[grain]
        for metric in connection.execute(select(store.tables.metric.c.id)).scalars():
            every = packed_rows(connection, store.tables, number, metric, 0, 10**9)
            found.update({(period, series): unpack(data) for period, series, data in every})
    return found


def only(store: Store, grain: str = "hour") -> dict[int, Slot]:
    """The slots of the only row."""
    (slots,) = rows(store, grain).values()
    return slots


def test_a_gauge_is_rolled_up_and_what_is_sent_again_changes_nothing(store: Store) -> None:
    """Least, largest, sum, number and last of each minute, then of quarters and days."""
    load = gauge("load", 3.0, 1.5, 4.0, at_ns=NOW_NS, step_ns=30_000_000_000)
    assert write(store, load).points == 3
    folder = PointFolder(store)
    assert folder.fold(64) == Folded(1, 0, 0)
    expected = {0: Slot(2, 4.5, 1.5, 3.0, 1.5), 1: Slot(1, 4.0, 4.0, 4.0, 4.0)}
    assert only(store) == expected
    assert write(store, load).points == 3
    assert folder.fold(64) == Folded(1, 3, 0)
    assert only(store) == expected
    assert folder.fold(64) == Folded()
    roller = PointRoller(store)
    assert roller.roll(10, NOW_NS // 1000 + 3 * 86_400_000_000) == 2
    quarter = int(NOW_NS // (15 * MINUTE_NS)) % 96
    assert only(store, "day") == {quarter: Slot(3, 8.5, 1.5, 4.0, 4.0)}
    assert only(store, "total") == {0: Slot(3, 8.5, 1.5, 4.0, 4.0)}
    assert only(store) == expected
    late = gauge("load", 9.0, at_ns=NOW_NS + MINUTE_NS + 1)
    write(store, late)
    assert folder.fold(64) == Folded(1, 0, 0)
    assert roller.roll(10, NOW_NS // 1000 + 3 * 86_400_000_000) == 2
    assert only(store, "total") == {0: Slot(4, 17.5, 1.5, 9.0, 9.0)}
    roller.remove_old(NOW_NS // 1000 + 4 * 86_400_000_000)
    assert rows(store) == {}
    assert len(rows(store, "day")) == 1


def test_sums_of_either_temporality_add_what_they_grew_by(store: Store) -> None:
    """Cumulative ones from the second point on, or from zero when they are young."""
    start = NOW_NS - 10_000_000_000
    young = counter("young", 5, 7, 12, at_ns=NOW_NS, start_ns=start)
    old = counter("old", 5_000, 5_002, 5_003, at_ns=NOW_NS, start_ns=NOW_NS - HOUR_NS)
    delta = counter("delta", 1, 2, 3, at_ns=NOW_NS, temporality=DELTA)
    for metrics in ((young, old), (delta, young)):
        write(store, *metrics)
    assert PointFolder(store).fold(64) == Folded(2, 3, 0)
    sums = sorted(slot.sum for slots in rows(store).values() for slot in slots.values())
    assert sums == [3.0, 6.0, 12.0]


def test_restarts_resets_and_workers_are_told_apart(store: Store) -> None:
    """A new start begins at zero; a fall without one is a reset; two workers add up."""
    first, second = NOW_NS - 5_000_000_000, NOW_NS + 30_000_000_000
    one = counter("hits", 10, 20, at_ns=NOW_NS, start_ns=first)
    two = counter("hits", 4, 5, at_ns=NOW_NS + 1_500_000_000, start_ns=first + 7)
    again = counter("hits", 3, at_ns=NOW_NS + 40_000_000_000, start_ns=second)
    fallen = counter("hits", 6, at_ns=NOW_NS + 45_000_000_000, start_ns=first)
    for metric in (one, two, again, fallen):
        write(store, metric)
    PointFolder(store).fold(64)
    assert only(store)[0].sum == 10 + 10 + 4 + 1 + 3 + 6


def test_histograms_grow_and_merge(store: Store) -> None:
    """Cumulative ones by buckets; a delta's points add up, and a retry adds nothing."""
    start = NOW_NS - 1_000_000_000
    cumulative = histogram(
        "d", [0.1, 1.0], [1, 0, 0], [2, 2, 0], [2, 2, 1], at_ns=NOW_NS, start_ns=start, total=2.5
    )
    delta = histogram("e", [0.1], [1, 2], [3, 4], at_ns=NOW_NS, temporality=DELTA, total=1.0)
    for _ in range(2):
        write(store, cumulative, delta)
    assert PointFolder(store).fold(64) == Folded(2, 5, 0)
    slots = [slots[0] for _, slots in sorted(rows(store).items())]
    found = {slot.number: slot for slot in slots}
    assert dict(found[5].buckets.counts) == {0: 2, 1: 2, 2: 1}  # type: ignore[union-attr]
    assert dict(found[10].buckets.counts) == {0: 4, 1: 6}  # type: ignore[union-attr]
    assert found[10].sum == 2.0


def test_points_outside_of_the_window_are_counted(store: Store) -> None:
    """Minutes of three days ago are gone, and nothing is of tomorrow."""
    write(
        store,
        gauge("load", 1.0, at_ns=NOW_NS - 72 * HOUR_NS),
        gauge("load", 1.0, at_ns=NOW_NS + 30 * HOUR_NS),
        gauge("load", 1.0, at_ns=NOW_NS),
    )
    assert PointFolder(store).fold(64) == Folded(1, 0, 2)
    assert len(rows(store)) == 1


def test_series_and_metrics_above_a_limit_are_dropped_and_counted(store: Store) -> None:
    """The others are kept, and workers are series of their own."""
    many = [gauge("load", 1.0, at_ns=NOW_NS, attributes=[("n", str(n))]) for n in range(5)]
    limits = SeriesLimits(metrics=2, series=3)
    written = write(store, *many, limits=limits)
    assert (written.points, written.points_dropped) == (3, 2)
    more = [gauge(f"m{n}", 1.0, at_ns=NOW_NS) for n in range(3)]
    written = write(store, *more, limits=limits)
    assert (written.points, written.points_dropped) == (1, 2)
    written = write(store, gauge("m0", 2.0, at_ns=NOW_NS), **{"process.pid": "7"})
    assert written.points == 1
    PointFolder(store).fold(64)
    assert len(rows(store)) == 5


def test_secrets_in_attributes_are_hidden(store: Store) -> None:
    """As in spans."""
    write(store, gauge("load", 1.0, at_ns=NOW_NS, attributes=[("api_key", "sk-verysecret1")]))
    with store.read() as connection:
        text = connection.execute(select(store.tables.metric_series.c.attributes)).scalar_one()
    assert text == '{"api_key":"[redacted]"}'


def test_writers_and_folders_at_once_lose_nothing(store: Store) -> None:
    """Several of each: the same series are found, and every point is added once."""
    failures: list[Exception] = []

    def run(number: int) -> None:
        try:
            for step in range(8):
                at_ns = NOW_NS + step * 1_000_000_000 + number
                many = [
                    counter("hits", 1, at_ns=at_ns, temporality=DELTA, attributes=[("n", str(n))])
                    for n in range(10)
                ]
                write(store, *many)
                write(store, *many)
                with suppress(StoreUnavailableError):
                    PointFolder(store).fold(4)  # a deadlock is tried again later, as any fold
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    while PointFolder(store).fold(64).deltas:
        pass
    with store.read() as connection:
        series = connection.execute(
            select(func.count()).select_from(store.tables.metric_series)
        ).scalar_one()
    assert series == 10
    assert [slots[0].sum for slots in rows(store).values()] == [24.0] * 10


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
def test_an_exemplar_keeps_its_span(store: Store, temporality: int) -> None:
    """Once, whatever is sent again."""
    metric = histogram("d", [1.0], [1, 0], at_ns=NOW_NS, temporality=temporality)
    metric.histogram.data_points[0].exemplars.add(
        time_unix_nano=NOW_NS, as_double=0.5, trace_id=b"t" * 16, span_id=b"s" * 8
    )
    for _ in range(2):
        write(store, metric)
        PointFolder(store).fold(64)
    with store.read() as connection:
        packed = connection.execute(select(store.tables.metric_exemplar.c.payload)).scalar_one()
    (one,) = unpack_exemplars(packed)
    assert (one.time_ns, one.value, one.trace_id, one.span_id) == (
        NOW_NS, 0.5, b"t" * 16, b"s" * 8,
    )  # fmt: skip


def test_old_rows_idle_series_and_what_a_cap_evicts_are_gone(store: Store) -> None:
    """Each by its own rule: the days of a grain, a year without points, the size."""
    write(store, gauge("load", 1.0, at_ns=NOW_NS), gauge("load", 2.0, at_ns=NOW_NS - 5 * HOUR_NS))
    PointFolder(store).fold(64)
    roller = PointRoller(store)
    assert roller.roll(99, NOW_NS // 1000 + 3 * DAY_US) >= 3
    assert Retention(store).delete_oldest_points(store.tables.metric_minute, 1) == 1
    assert len(rows(store)) == 1
    removed = roller.remove_old(NOW_NS // 1000 + 20 * DAY_US)
    assert (removed["minutes"], removed["quarters"], removed["series"]) == (1, 0, 0)
    removed = roller.remove_old(NOW_NS // 1000 + 401 * DAY_US)
    assert (removed["quarters"] > 0, removed["series"]) == (True, 1)
    assert len(rows(store, "total")) > 0
    assert Retention(store).prune_rollups(NOW_NS // 1000 + 3 * DAY_US) > 0
    assert rows(store, "total") == {}


def test_summaries_keep_count_and_sum_and_their_quantiles(sqlite_store: Store) -> None:
    """The former grow like a counter, each quantile is a gauge."""
    summary = Metric(name="rpc", unit="ms")
    for number in range(3):
        point = summary.summary.data_points.add(
            time_unix_nano=NOW_NS + number * 1_000_000_000,
            start_time_unix_nano=NOW_NS - 1,
            count=2 * (number + 1),
            sum=10.0 * (number + 1),
        )
        point.quantile_values.add(quantile=0.5, value=4.0 + number)
    for _ in range(2):
        write(sqlite_store, summary)
    assert PointFolder(sqlite_store).fold(64) == Folded(2, 6, 0)
    slots = sorted((slots[0] for slots in rows(sqlite_store).values()), key=lambda one: one.sum)
    assert slots[0] == Slot(3, 15.0, 4.0, 6.0, 6.0)
    assert (slots[1].number, slots[1].sum) == (6, 30.0)
