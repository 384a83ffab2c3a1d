"""Counts of what one process stored, by endpoint: exact, monotonic, bounded."""

from __future__ import annotations

import threading

import pytest

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.endpoint_counts import BOUNDS_S, EndpointCounts
from otel_fmd.ingest.names import NameLimits
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.store.store import Store
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of

SECOND = 1_000_000_000


def counting(
    store: Store, limits: NameLimits | None = None, level: int = 2
) -> tuple[BatchWriter, EndpointCounts]:
    """A writer that counts, and what it counted."""
    counts = EndpointCounts()
    return BatchWriter(store, OutlierRule(), level, limits, counts=counts), counts


def spans_of(seed: int, *answers: tuple[str, int, float]) -> list:
    """Spans of routes, with their status and duration in milliseconds."""
    made = Spans(seed)
    return [
        made.span(flask_attributes(route, **{"http.status_code": status}), duration_ms=duration)
        for route, status, duration in answers
    ]


def test_a_duration_at_a_bound_is_within_it() -> None:
    """As `le` says; a nanosecond more is in the next bucket, and the last has no bound."""
    counts = EndpointCounts()
    counts.name({1: ("shop", "a")})
    durations = [0, 5_000_000, 5_000_001, 10 * SECOND, 10 * SECOND + 1, 3_600 * SECOND]
    counts.add([1] * 6, [200] * 6, durations, {1: sum(durations)})
    (found,) = counts.snapshot().values()
    assert len(found.buckets) == len(BOUNDS_S) + 1
    assert list(found.buckets[:3]) == [2, 3, 3]
    assert list(found.buckets[-3:]) == [3, 4, 6]
    assert found.sum_s == pytest.approx(sum(durations) / 1e9)


def test_classes_of_status() -> None:
    """A WebSocket is counted, and no duration; neither is a status that there is not."""
    counts = EndpointCounts()
    counts.name({1: ("shop", "a"), 2: ("shop", "b")})
    statuses = [0, 101, 200, 204, 302, 404, 500, 503, 999]
    counts.add([1] * 9, statuses, [1_000] * 9, {1: 9_000})
    counts.add([2], [101], [0], {2: 0})
    found = counts.snapshot()
    assert dict(found["shop", "a"].by_class) == {
        "none": 1,
        "1xx": 1,
        "2xx": 2,
        "3xx": 1,
        "4xx": 1,
        "5xx": 2,
        "9xx": 1,
    }
    assert found["shop", "a"].buckets[-1] == 8
    assert found["shop", "b"].buckets[-1] == 0


def test_endpoints_above_the_limit_are_one() -> None:
    """Whoever sends names without bounds fills neither memory nor Prometheus."""
    counts = EndpointCounts(most=2)
    for number in range(1, 6):
        assert counts.unnamed([number]) == {number}
        counts.name({number: ("shop", f"e{number}")})
        counts.add([number, 1], [200, 404], [SECOND, 0], {number: SECOND})
        assert counts.unnamed([number]) == set()
    found = counts.snapshot()
    others = ("(other services)", "(other endpoints)")
    assert set(found) == {("shop", "e1"), ("shop", "e2"), others}
    assert found["shop", "e1"].by_class == {"2xx": 1, "4xx": 5}
    assert found[others].by_class == {"2xx": 3}
    assert found[others].sum_s == found[others].buckets[-1] == 3
    assert len(counts._counts) == 4


def test_a_reader_sees_whole_batches() -> None:
    """The sum and the number of requests belong together, while another thread counts."""
    counts, ended = EndpointCounts(), threading.Event()
    counts.name({1: ("shop", "a")})

    def count() -> None:
        for _ in range(3_000):
            counts.add([1, 1], [200, 200], [SECOND, SECOND], {1: 2 * SECOND})
        ended.set()

    thread = threading.Thread(target=count)
    thread.start()
    looks = 0
    while not ended.is_set() or not looks:
        for found in counts.snapshot().values():
            looks += 1
            assert found.buckets[-1] == found.sum_s == found.by_class["2xx"]
            assert found.buckets[-1] % 2 == 0
    thread.join()
    assert counts.snapshot()["shop", "a"].sum_s == 6_000


def test_what_a_writer_stored_is_counted_once(store: Store) -> None:
    """A batch that is sent again, whole or in part, adds what is new in it."""
    writer, counts = counting(store)
    spans = spans_of(1, ("/a", 200, 10), ("/a", 500, 300), ("/b", 404, 20_000))
    writer.write(Batch(requests_of(spans[:2])))
    writer.write(Batch(requests_of(spans)))
    writer.write(Batch(requests_of(spans)))
    found = counts.snapshot()
    assert set(found) == {("shop", "GET /a"), ("shop", "GET /b")}
    assert dict(found["shop", "GET /a"].by_class) == {"2xx": 1, "5xx": 1}
    assert found["shop", "GET /a"].sum_s == pytest.approx(0.31)
    assert found["shop", "GET /a"].buckets[-1] == 2
    assert dict(found["shop", "GET /b"].by_class) == {"4xx": 1}
    assert list(found["shop", "GET /b"].buckets[-2:]) == [0, 1]


def test_a_new_process_counts_from_zero(sqlite_store: Store) -> None:
    """Not from what the database has: pruning would look like a restart."""
    spans = spans_of(2, ("/a", 200, 10), ("/a", 200, 10))
    counting(sqlite_store)[0].write(Batch(requests_of(spans[:1])))
    writer, counts = counting(sqlite_store)
    writer.write(Batch(requests_of(spans[1:])))
    assert counts.snapshot()["shop", "GET /a"].sum_s == pytest.approx(0.01)


def test_what_is_not_stored_is_not_counted(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Endpoints at level 0, and a transaction that fails."""
    writer, counts = counting(sqlite_store, level=0)
    writer.write(Batch(requests_of(spans_of(3, ("/a", 200, 10)))))
    writer.write(Batch())
    assert counts.snapshot() == {}
    writer, counts = counting(sqlite_store)

    def broken(*_: object) -> None:
        raise StoreUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_finish", broken)
        with pytest.raises(StoreUnavailableError):
            writer.write(Batch(requests_of(spans_of(4, ("/b", 200, 10)))))
    assert counts.snapshot() == {}
    writer.write(Batch(requests_of(spans_of(4, ("/b", 200, 10)))))
    assert counts.snapshot()["shop", "GET /b"].by_class["2xx"] == 1


def test_names_above_limits_are_those_of_the_database(sqlite_store: Store) -> None:
    """Endpoints and services: as they are stored, so they are counted."""
    writer, counts = counting(sqlite_store, NameLimits(endpoints=1, services=1))
    answers = [(f"/{letter}", 200, 10.0) for letter in "abc"]
    writer.write(Batch(requests_of(spans_of(5, *answers))))
    writer.write(Batch(requests_of(spans_of(6, *answers), service="two")))
    found = {name: one.buckets[-1] for name, one in counts.snapshot().items()}
    assert found == {
        ("shop", "GET /a"): 1,
        ("shop", "(other endpoints)"): 2,
        ("(other services)", "GET /a"): 1,
        ("(other services)", "(other endpoints)"): 2,
    }
