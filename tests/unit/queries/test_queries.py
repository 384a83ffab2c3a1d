"""Figures: exact while few, within 1.1 % when many, with pending deltas always included."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from otel_fmd.ingest.batch import Batch
from otel_fmd.queries import latency
from otel_fmd.queries.latency import OTHERS, by_caller, distributions, slower_than
from otel_fmd.queries.outliers import outlier_count
from otel_fmd.queries.overview import overview
from otel_fmd.queries.reporting import report
from otel_fmd.queries.rows import RequestFilter, requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.queries.utilization import status_codes, version_share
from otel_fmd.rollups import fold
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.store.kinds import ADDRESS, USER
from otel_fmd.store.store import Store
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of, writer

HOUR_NS = 3_600_000_000_000


def fill(store: Store, *, folded: bool) -> list[float]:
    """2,000 requests of two versions over two days; the durations of `/a`."""
    one = writer(store)
    found: list[float] = []
    for day in range(2):
        for version in ("1", "2"):
            start = time.time_ns() - (50 - 24 * day) * HOUR_NS
            makers = Spans(10 * day + int(version), start)
            spans = []
            for n in range(500):
                ms = (5 + n % 90) * int(version)
                attributes = flask_attributes(
                    "/a", **{"enduser.id": f"u{n % 12}", "http.status_code": 500 if n % 50 else 200}
                )
                spans.append(makers.span(attributes, duration_ms=ms))
                found.append(ms)
            one.write(Batch(requests_of(spans, version=version)))
        if folded:
            DeltaFolder(store, max_callers=5).fold(10)
            DeltaFolder(store, max_callers=5).fold_callers(10)
    return found


@pytest.mark.parametrize("folded", [True, False], ids=["folded", "pending"])
def test_percentiles_are_exact_while_few_and_close_when_many(
    store: Store, monkeypatch: pytest.MonkeyPatch, folded: bool
) -> None:
    """The same query both ways, and what it says of itself."""
    durations = fill(store, folded=folded)
    with Reader(store).snapshot() as snapshot:
        exact = distributions(snapshot, Selection(), ("endpoint_id",))[(1,)]
    monkeypatch.setattr(latency, "EXACT_ROWS", 10)
    with Reader(store).snapshot() as snapshot:
        rough = distributions(snapshot, Selection(), ("endpoint_id",))[(1,)]
        by_version = distributions(snapshot, Selection(), ("version_id",))
        share = slower_than(snapshot, Selection(), 1000.0)
    assert exact.is_exact
    assert not rough.is_exact
    assert exact.count == rough.count == len(durations)
    assert exact.median == statistics.median(durations)
    for name in ("q1", "q3", "p95", "p99", "minimum", "maximum"):
        assert getattr(rough, name) == pytest.approx(getattr(exact, name), rel=0.0111)
    assert sum(one.count for one in by_version.values()) == len(durations)
    assert share == 1.0


def test_users_over_the_cap_are_others(store: Store) -> None:
    """Five are kept by name, the rest together; nobody is lost."""
    fill(store, folded=True)
    with Reader(store).snapshot() as snapshot:
        users = by_caller(snapshot, 1, USER).found
        addresses = by_caller(snapshot, 1, ADDRESS).found
    names = {name for _, name in users}
    assert len(names) == 6
    assert OTHERS in names
    assert sum(one.count for one in users.values()) == 2_000
    assert sum(one.count for one in addresses.values()) == 2_000
    assert fold.USER == USER


def test_requests_are_paged_newest_first(store: Store) -> None:
    """By cursor, without a gap, without a double; filters keep what they say."""
    fill(store, folded=False)
    seen: list[int] = []
    cursor = None
    with Reader(store).snapshot() as snapshot:
        while True:
            page = requests(snapshot, Selection(endpoint_ids=[1]), cursor=cursor, limit=300)
            seen += [one.id for one in page.requests]
            cursor = page.cursor
            if cursor is None:
                break
        one = requests(snapshot, Selection(), keep=RequestFilter(group_by="u3"), limit=20)
        failed = requests(snapshot, Selection(), keep=RequestFilter(500, 600), limit=20)
        newer = [n for n, name in snapshot.versions.items() if name == "2"]
        version = requests(snapshot, Selection(version_ids=newer), limit=20)
        nobody = requests(snapshot, Selection(), keep=RequestFilter(ip="9.9.9.9"))
    assert len(seen) == 2_000
    assert seen == sorted(set(seen), reverse=True)
    assert {found.group_by for found in one.requests} == {"u3"}
    assert {found.status_code for found in failed.requests} == {500}
    assert {found.version for found in version.requests} == {"2"}
    assert nobody.requests == []


def test_the_overview_agrees_with_the_other_queries(store: Store) -> None:
    """Hits, errors, last requested."""
    fill(store, folded=True)
    now = time.time_ns() // 1000
    with Reader(store).snapshot() as snapshot:
        found = overview(snapshot, Selection(), now_us=now, today_us=now - 10**9)
        codes = status_codes(snapshot, Selection())
        share = version_share(snapshot, Selection(), 10)
        compared = report(snapshot, *(Selection(version_ids=[n]) for n in (1, 2)))
        assert outlier_count(snapshot, 1) >= 0
    (row,) = found.rows
    assert row.overall.requests == 2_000
    assert row.overall.errors == codes[500] == 4 * 490
    assert row.last_requested is not None
    assert share.percent == [[100.0, 100.0]]
    (change,) = compared
    assert change.ratio is not None
    assert change.ratio[0] == pytest.approx(2, rel=0.05)
    assert change.duration_changed


def test_readers_never_wait_for_the_writer(sqlite_store: Store) -> None:
    """While a transaction is open, figures are read from the state before it."""
    fill(sqlite_store, folded=False)
    done = threading.Event()

    def read() -> None:
        with Reader(sqlite_store).snapshot() as snapshot:
            assert len(requests(snapshot, Selection(), limit=5).requests) == 5
        done.set()

    with sqlite_store.write() as connection:
        connection.execute(sqlite_store.tables.request.delete())
        reader = threading.Thread(target=read)
        reader.start()
        assert done.wait(5)
        connection.rollback()


def test_endpoints_of_one_name_are_told_apart_by_their_service(sqlite_store: Store) -> None:
    """Side by side in a figure they would fall into one row."""
    one = writer(sqlite_store)
    for seed, (service, route) in enumerate((("shop", "/a"), ("stock", "/a"), ("shop", "/b"))):
        one.write(Batch(requests_of([Spans(seed).span(flask_attributes(route))], service=service)))
    with Reader(sqlite_store).snapshot() as snapshot:
        labels = sorted(snapshot.labels.values())
    assert labels == ["GET /b", "shop: GET /a", "stock: GET /a"]
