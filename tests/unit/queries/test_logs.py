"""Log records: filtered, page by page, and those of a request."""

from __future__ import annotations

import time
from typing import Any

import pytest

from otel_fmd.ingest.batch import Batch
from otel_fmd.queries.logs import LogFilter, LogPage, logs, logs_of_request
from otel_fmd.queries.rows import requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.logs import START_NS, TRACE, log
from tests.support.spans import Spans
from tests.unit.ingest.test_logs import batch_of, write
from tests.unit.ingest.test_write import requests_of

START_US = START_NS // 1000
SECOND_US = 1_000_000


def look(store: Store, keep: LogFilter, **options: Any) -> LogPage:
    """A page of the first hour."""
    with Reader(store).snapshot() as snapshot:
        return logs(snapshot, START_US, START_US + 3_600 * SECOND_US, keep, **options)


def texts(page: LogPage) -> list[str]:
    """What they say."""
    return [one.body for one in page.found]


@pytest.fixture
def filled(store: Store) -> Store:
    """A thousand records, a second apart; every tenth is an error of a trace."""
    records = [
        log(
            f"line {n} of {'Needle' if n % 100 == 7 else 'hay'}",
            17 if n % 10 == 0 else 13,
            at_ns=START_NS + n * 1_000_000_000,
            trace_id=TRACE if n % 10 == 0 else b"",
            n=n,
        )
        for n in range(1_000)
    ]
    write(store, batch_of(*records))
    write(store, batch_of(log("of another", 17), **{"service.name": "stock"}))
    return store


def test_pages_hold_each_record_once_newest_first(filled: Store) -> None:
    """Until the cursor is None."""
    cursor, found = None, []
    while True:
        page = look(filled, LogFilter(), limit=130, cursor=cursor)
        found += [one.id for one in page.found]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(found) == 1_001
    assert found == sorted(set(found), reverse=True)


def test_filters(filled: Store) -> None:
    """Severity, text whatever its case, trace and service; also together."""
    errors = look(filled, LogFilter(severity=17), limit=500)
    assert len(errors.found) == 101
    needles = look(filled, LogFilter(text="nEEdle"))
    assert texts(needles) == [f"line {n} of Needle" for n in range(907, 0, -100)]
    assert len(look(filled, LogFilter(text='"n":30}'), limit=5).found) == 1
    assert len(look(filled, LogFilter(trace_id=TRACE), limit=500).found) == 100
    with Reader(filled).snapshot() as snapshot:
        numbers = {name: number for number, name in snapshot.services.items()}
    only = LogFilter(service_ids=[numbers["stock"]])
    assert texts(look(filled, only)) == ["of another"]
    assert look(filled, LogFilter(severity=17, text="needle")).found == []


def test_a_scan_that_takes_too_long_goes_on_later(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It returns what it found, perhaps nothing, and a cursor."""
    monkeypatch.setattr("otel_fmd.queries.logs._SCAN_S", 0.0)
    cursor, found, pages = None, [], 0
    while pages == 0 or cursor is not None:
        page = look(filled, LogFilter(text="line 7 of Needle"), cursor=cursor)
        found += texts(page)
        cursor, pages = page.cursor, pages + 1
    assert (found, pages) == (["line 7 of Needle"], 3)


def test_the_range_is_half_open(filled: Store) -> None:
    """To the microsecond."""
    with Reader(filled).snapshot() as snapshot:
        found = logs(snapshot, START_US + SECOND_US, START_US + 3 * SECOND_US, LogFilter())
    assert texts(found) == ["line 2 of hay", "line 1 of hay"]


def test_a_request_has_the_records_of_its_trace(store: Store) -> None:
    """In order of time, those that come shortly after it, too; not those of another day."""
    at_ns = time.time_ns() - 60_000_000_000
    span = Spans(1, at_ns).span(duration_ms=500)
    write(store, Batch(requests_of([span])))
    start = span.start_time_unix_nano
    inside = [
        log(f"step {n}", at_ns=start + n * 100_000_000, trace_id=span.trace_id) for n in (3, 1, 2)
    ]
    late = log("after", at_ns=start + 2_000_000_000, trace_id=span.trace_id)
    other = log("other", 17, at_ns=start + 50)
    old = log("old", at_ns=start - 86_400_000_000_000, trace_id=span.trace_id)
    write(store, batch_of(*inside, late, other, old))
    with Reader(store).snapshot() as snapshot:
        (one,) = requests(snapshot, Selection()).requests
        found = logs_of_request(snapshot, one)
        unknown = logs_of_request(snapshot, one._replace(trace_id=""))
    assert [entry.body for entry in found] == ["step 1", "step 2", "step 3", "after"]
    assert found[0].service == "shop"
    assert unknown == []
