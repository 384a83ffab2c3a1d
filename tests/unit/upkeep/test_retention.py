"""Pruning by age, giving space back, and making room under a cap."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Table, func, select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.otlp.logs_protobuf import decode_protobuf as decode_logs
from otel_fmd.otlp.points_protobuf import decode_protobuf as decode_points
from otel_fmd.queries.counts import total
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.recount import check
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.store.space import size_bytes
from otel_fmd.store.store import Store
from otel_fmd.upkeep.eviction import Eviction
from otel_fmd.upkeep.retention import Ages, Retention
from tests.support.folding import fold_all
from tests.support.logs import log, logs_body
from tests.support.points import gauge, metrics_body
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import count, requests_of, writer

DAY_NS = 86_400_000_000_000


def fill(store: Store, days: int = 10, number: int = 60) -> int:
    """So many requests on each of the last days, with an outlier each; now in microseconds."""
    now_ns = time.time_ns() // DAY_NS * DAY_NS + DAY_NS // 2
    one = writer(store)
    for day in range(days, 0, -1):
        makers = Spans(day, now_ns - day * DAY_NS)
        spans = [makers.span(duration_ms=10) for _ in range(number)]
        spans.append(makers.span(flask_attributes(**{"x": "y" * 500}), duration_ms=900))
        one.write(Batch(requests_of(spans)))
    fold_all(store)
    return now_ns // 1000


def test_each_kind_has_an_age_of_its_own(store: Store) -> None:
    """Requests go, their figures stay, and what is left agrees with its rollups."""
    now = fill(store)
    retention = Retention(store)
    assert retention.prune(Ages(outliers=8), now)["outliers"] == 2
    assert count(store, "request") == 610
    removed = retention.prune(Ages(requests=5), now)
    assert removed["requests"] == 5 * 61
    assert count(store, "request") == 5 * 61
    assert count(store, "outlier") == 5
    with Reader(store).snapshot() as snapshot:
        assert total(snapshot, Selection()) == 610
    assert check(store) == []
    assert retention.prune(Ages(rollups=3), now)["rollups"] > 0
    with Reader(store).snapshot() as snapshot:
        assert total(snapshot, Selection()) == 3 * 61
    assert retention.prune(Ages(requests=5), now) == {}


def test_space_is_given_back(sqlite_store: Store) -> None:
    """The file of SQLite becomes smaller."""
    now = fill(sqlite_store, number=600)
    retention = Retention(sqlite_store)
    path = sqlite_store.file_path
    assert path is not None
    before = size_bytes(sqlite_store)
    retention.prune(Ages(requests=1), now)
    assert size_bytes(sqlite_store) < before / 2
    with sqlite_store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA freelist_count").scalar() == 0


def test_ingest_hardly_waits_for_pruning(
    sqlite_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Batches are stored while 30,000 requests are removed; the longest wait is printed."""
    now = fill(sqlite_store, days=10, number=3_000)
    retention = Retention(sqlite_store)
    pruning = threading.Thread(target=retention.prune, args=(Ages(requests=0.5), now))
    one = writer(sqlite_store)
    pruning.start()
    waits, seed = [], 100
    while pruning.is_alive():
        seed += 1
        batch = requests_of(Spans(seed).many(20))
        began = time.monotonic()
        one.write(Batch(batch))
        waits.append(time.monotonic() - began)
    pruning.join()
    with capsys.disabled():
        print(
            f"\npruning: {len(waits)} batches meanwhile, longest wait {max(waits) * 1e3:.0f} ms, "
        )
        print(f"longest chunk {retention.longest_s * 1e3:.0f} ms")
    assert len(waits) > 3
    assert count(sqlite_store, "request") == 20 * len(waits)


def test_a_cap_evicts_the_oldest_of_the_bulkiest_kind(sqlite_store: Store) -> None:
    """Requests in the end, the figures never."""
    fill(sqlite_store, number=800)
    room = Eviction(sqlite_store)
    cap = int(size_bytes(sqlite_store) * 0.55)
    with sqlite_store.read() as connection:
        newest = connection.execute(select(func.max(sqlite_store.tables.request.c.id))).scalar()
    removed = room.enforce(cap)
    assert removed["requests"] > 0
    assert size_bytes(sqlite_store) <= cap
    assert room.enforce(cap) == {}
    with sqlite_store.read() as connection:
        assert (
            connection.execute(select(func.max(sqlite_store.tables.request.c.id))).scalar()
            == newest
        )
    with Reader(sqlite_store).snapshot() as snapshot:
        assert total(snapshot, Selection()) == 10 * 801
    assert check(sqlite_store) == []


EVICTED = ("logs", "metrics by minutes", "metrics by quarters")


def test_a_cap_evicts_logs_and_metrics(sqlite_store: Store) -> None:
    """The oldest of what takes most; days of metrics are rollups, and stay."""
    hour_ns = 3_600_000_000_000
    start_ns = time.time_ns() // hour_ns * hour_ns - 40 * hour_ns
    made = BatchWriter(sqlite_store, OutlierRule())
    for hour in range(0, 36, 4):
        at_ns = start_ns + hour * hour_ns
        text = "x" * 300
        records = [log(f"{n} {text}", 17, at_ns=at_ns + n) for n in range(150)]
        found = decode_logs(logs_body(*records).SerializeToString()).found
        metrics = [
            gauge("load", *map(float, range(60)), at_ns=at_ns, step_ns=60_000_000_000,
                  attributes=[("n", str(n))])
            for n in range(40)
        ]  # fmt: skip
        points = decode_points(metrics_body(*metrics).SerializeToString()).points
        made.write(Batch(points=points.blocks, records=LogBatches().of_records(found).records))
    PointFolder(sqlite_store).fold(64)
    PointRoller(sqlite_store).roll(1_000)
    tables = sqlite_store.tables
    kinds = (tables.log_record, tables.metric_minute, tables.metric_day)
    before = [rows_of(sqlite_store, table) for table in kinds]
    removed = Eviction(sqlite_store).enforce(int(size_bytes(sqlite_store) * 0.55))
    after = [rows_of(sqlite_store, table) for table in kinds]
    assert {"logs", "metrics by minutes"} <= removed.keys() <= {*EVICTED}
    assert [a - b for b, a in zip(before, after, strict=True)] == [
        -removed["logs"],
        -removed["metrics by minutes"],
        0,
    ]
    with sqlite_store.read() as connection:
        oldest = connection.execute(select(func.min(tables.log_record.c.time_us))).scalar_one()
    assert oldest > start_ns // 1000 + hour_ns // 1000


def rows_of(store: Store, table: Table) -> int:
    """How many rows a table has."""
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
