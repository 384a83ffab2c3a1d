"""Figures over time, and requests in both orders, on every engine: as a recount has them."""

from __future__ import annotations

import random
import time
from itertools import product

import pytest

from otel_fmd.ingest.batch import Batch
from otel_fmd.queries.rows import RequestFilter, RequestRecord, requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.series import time_series
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.store.store import Store
from otel_fmd.store.times import unix_us
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of, writer

HOUR_NS = 3_600_000_000_000
HOUR_US = 3_600_000_000
HOURS = 60


@pytest.fixture
def filled(store: Store) -> Store:
    """Requests of sixty hours, those of the last ones not folded."""
    chance, made = random.Random(5), writer(store)
    start = time.time_ns() - HOURS * HOUR_NS
    for hour in range(0, HOURS, 5):
        spans = Spans(hour, start + hour * HOUR_NS)
        batch = [
            spans.span(
                flask_attributes(f"/{n % 3}", **{"http.status_code": 500 if n % 7 == 0 else 200}),
                duration_ms=chance.lognormvariate(3, 1),
            )
            for n in range(20)
        ]
        made.write(Batch(requests_of(batch, version=str(hour % 2))))
        if hour == HOURS - 10:
            DeltaFolder(store).fold(100)
    return store


def everything(store: Store) -> list[RequestRecord]:
    """All rows."""
    with Reader(store).snapshot() as snapshot:
        return requests(snapshot, Selection(), limit=10_000).requests


def test_steps_are_a_recount(filled: Store) -> None:
    """Requests and errors exactly, durations within the histograms' error."""
    rows = everything(filled)
    for hours, narrowed in product((1, 24), (False, True)):
        compare(filled, rows, hours, narrowed)


def compare(filled: Store, rows: list[RequestRecord], hours: int, narrowed: bool) -> None:
    """A series with a recount, of everything or of one endpoint in one version."""
    first = min(unix_us(row.time_requested) for row in rows) // HOUR_US + 4
    selection = Selection(first, first + 50)
    if narrowed:
        endpoint, version = rows[0].endpoint_id, rows[0].version
        with Reader(filled).snapshot() as snapshot:
            numbers = [n for n, name in snapshot.versions.items() if name == version]
        selection = selection.of([endpoint], numbers)
        rows = [row for row in rows if (row.endpoint_id, row.version) == (endpoint, version)]
    expected: dict[int, list[RequestRecord]] = {}
    for row in rows:
        hour = unix_us(row.time_requested) // HOUR_US
        if selection.start_hour <= hour < selection.end_hour:
            expected.setdefault(hour // hours * hours * HOUR_US, []).append(row)
    with Reader(filled).snapshot() as snapshot:
        steps = time_series(snapshot, selection, hours)
    assert len(steps) > 1
    assert [one.start_us for one in steps] == sorted(expected)
    for one in steps:
        found = expected[one.start_us]
        assert one.requests == len(found)
        assert one.errors == sum(row.status_code == 500 for row in found)
        assert one.durations is not None
        assert one.durations.count == len(found)
        durations = sorted(row.duration for row in found)
        assert one.durations.maximum == pytest.approx(durations[-1], rel=0.0111)
        assert one.durations.minimum == pytest.approx(durations[0], rel=0.0111)


def test_both_orders(filled: Store) -> None:
    """Page by page, with and without a filter."""
    newest = everything(filled)
    for keep in (None, RequestFilter(status_from=500), RequestFilter(least_ms=20.0)):
        with Reader(filled).snapshot() as snapshot:
            wanted = requests(snapshot, Selection(), keep=keep, limit=10_000).requests
            found: list[RequestRecord] = []
            cursor = None
            while True:
                page = requests(
                    snapshot, Selection(), keep=keep, cursor=cursor, limit=7, oldest_first=True
                )
                found += page.requests
                cursor = page.cursor
                if cursor is None:
                    break
        assert found == wanted[::-1]
        assert 0 < len(found) <= len(newest)


def test_a_time_range_to_the_microsecond(filled: Store) -> None:
    """Half-open."""
    rows = everything(filled)[::-1]
    first, end = rows[30].time_requested, rows[90].time_requested
    with Reader(filled).snapshot() as snapshot:
        keep = RequestFilter(first=first, end=end)
        found = requests(snapshot, Selection(), keep=keep, limit=10_000).requests
    assert found == rows[30:90][::-1]
