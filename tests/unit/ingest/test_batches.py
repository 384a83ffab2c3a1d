"""What a batch leaves behind besides its requests: means, outliers, deltas; and when it fails."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from otel_fmd.analysis.outliers import OutlierRule, RunningMean
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.ingest import write
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.insert import Inserter
from otel_fmd.ingest.names import NameLimits
from otel_fmd.ingest.url_maps import UrlMaps
from otel_fmd.ingest.write import BatchWriter, Written
from otel_fmd.queries.snapshot import Reader
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.store.store import Store

START_US = 1_790_000_000_000_000
_numbers = iter(range(1, 1_000_000))


def request(
    ms: float = 10, endpoint: str = "a", start_us: int | None = None, **fields: Any
) -> Request:
    """A request, a millisecond after the one before, with an id of its own."""
    number = next(_numbers)
    made = Request(
        service="shop",
        endpoint=endpoint,
        version="1",
        start_us=START_US + number * 1_000 if start_us is None else start_us,
        duration_ns=int(ms * 1e6),
        status_code=200,
        group_by=None,
        ip="",
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        span=NOTHING_MORE,
        level=None,
    )
    return made._replace(**fields)


def writer(store: Store, constant: float = 2.5, least: int = 3, **options: Any) -> BatchWriter:
    """With a rule that takes few requests."""
    return BatchWriter(store, OutlierRule(constant, least), **options)


def test_a_row_tells_what_the_request_does(store: Store) -> None:
    """Milliseconds, the moment to the microsecond, and nothing where nothing is known."""
    starts = [
        START_US,
        START_US + 1,
        START_US + 999_999,
        START_US + 1_000_007,
        START_US + 60_000_000,
    ]
    batch = [
        request(1.5, start_us=start, status_code=None, first_byte_ns=None) for start in starts[:-1]
    ]
    batch.append(
        request(2.5, start_us=starts[-1], group_by="ana", ip="::1", first_byte_ns=1_250_000)
    )
    assert writer(store).write(Batch(batch[::-1])) == Written(5, 0, 0, 0, 0)
    table = store.tables.request
    with store.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).all()
    assert [row.time_requested for row in rows] == [
        datetime.fromtimestamp(start // 1_000_000, UTC).replace(
            microsecond=start % 1_000_000, tzinfo=None
        )
        for start in starts
    ]
    assert [row.duration for row in rows] == [1.5] * 4 + [2.5]
    assert [row.time_to_first_byte for row in rows] == [None] * 4 + [1.25]
    assert [row.status_code for row in rows] == [None] * 4 + [200]
    assert [(row.group_by, row.ip) for row in rows] == [(None, "")] * 4 + [("ana", "::1")]


def test_moments_are_in_utc(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process runs; in 1970 as well."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        writer(sqlite_store).write(Batch([request(start_us=1_500_000), request(start_us=START_US)]))
        UrlMaps(sqlite_store, (), 2, 100).add("other", "", ["b"])
    finally:
        monkeypatch.undo()
        time.tzset()
    tables = sqlite_store.tables
    with sqlite_store.read() as connection:
        requested = connection.execute(
            select(tables.request.c.time_requested).order_by(tables.request.c.id)
        ).scalars()
        moments = list(requested)
        added = [
            one
            for table in (tables.service, tables.endpoint)
            for one in connection.execute(select(table.c.time_added)).scalars()
        ]
    assert moments == [
        datetime(1970, 1, 1, 0, 0, 1, 500_000),
        datetime.fromtimestamp(START_US / 1e6, UTC).replace(tzinfo=None),
    ]
    now = datetime.now(UTC).replace(tzinfo=None)
    assert len(added) == 4
    assert all(abs(one - now) < timedelta(minutes=1) for one in added)


def test_an_outlier_is_judged_by_those_before_it(store: Store) -> None:
    """Once enough of its endpoint are known; exactly the constant times the mean is none."""
    one = writer(store)
    for name, ms, is_outlier in (("a", 25, False), ("b", 25.000001, True)):
        assert one.write(Batch([request(10, name) for _ in range(2)])).outliers == 0
        assert one.write(Batch([request(10, name)])).outliers == 0
        assert one.write(Batch([request(ms, name)])).outliers == is_outlier
    one.write(Batch([request(10, "c") for _ in range(2)]))
    assert one.write(Batch([request(900, "c")])).outliers == 0
    never = writer(store, least=0)
    assert never.write(Batch([request(900, "d")])).outliers == 0
    assert never.write(Batch([request(9_000, "d")])).outliers == 1


def test_a_batch_changes_the_mean_as_it_goes(store: Store) -> None:
    """What came before in it raises the mean; endpoints have means of their own."""
    one = writer(store, constant=2.0)
    batch = [request(10) for _ in range(3)]
    batch += [request(21), request(25), request(27)]
    batch += [request(500, "b") for _ in range(4)]
    assert one.write(Batch(batch)).outliers == 1
    assert one._means is not None
    assert sorted(mean.count for mean in one._means.values()) == [4, 6]
    assert sorted(mean.sum_ns for mean in one._means.values()) == [103_000_000, 2_000_000_000]


def test_the_rule_is_not_for_what_an_agent_watched(store: Store) -> None:
    """It has judged already."""
    one = writer(store)
    assert one.write(Batch([request(10) for _ in range(3)])).outliers == 0
    assert one.write(Batch([request(900, level=2)])).outliers == 0
    assert one._means is not None
    assert [mean.count for mean in one._means.values()] == [4]
    assert one.write(Batch([request(900_000)])).outliers == 1


@pytest.mark.parametrize("level", range(4))
def test_levels_below_two_keep_no_outliers(sqlite_store: Store, level: int) -> None:
    """They are counted into the mean all the same."""
    one = writer(sqlite_store, default_level=level)
    one.write(Batch([request(10) for _ in range(3)]))
    found = one.write(Batch([request(900)]))
    assert found.outliers == (level >= 2)
    assert found.seen_only == (level == 0)


def test_means_are_read_from_what_is_stored(store: Store) -> None:
    """Folded or not, of every endpoint, once."""
    one = writer(store)
    one.write(Batch([request(10), request(20), request(5, "b")]))
    DeltaFolder(store).fold(10)
    one.write(Batch([request(30), request(7, "c")]))
    again = writer(store)
    again.write(Batch([]))
    assert one._means is not None
    assert again._means == one._means
    assert sorted(again._means.values(), key=lambda mean: mean.sum_ns) == [
        RunningMean(1, 5_000_000),
        RunningMean(1, 7_000_000),
        RunningMean(3, 60_000_000),
    ]


def test_a_batch_leaves_one_delta(store: Store) -> None:
    """With how many requests it holds, and when it was made; an empty one leaves none."""
    before = time.time_ns() // 1000
    one = writer(store)
    assert one.write(Batch([])) == Written(0, 0, 0, 0, 0)
    one.write(Batch([request(), request()]))
    with store.read() as connection:
        (delta,) = connection.execute(select(store.tables.delta)).all()
    assert delta.count == 2
    assert before <= delta.created_us <= time.time_ns() // 1000
    assert isinstance(delta.created_us, int)


def test_figures_of_what_is_pending(store: Store) -> None:
    """Status, user and address of each request, those without among them."""
    one = writer(store)
    one.write(
        Batch(
            [
                request(1, status_code=None),
                request(2, status_code=404, group_by="ana", ip="::1", version="2"),
            ]
        )
    )
    with Reader(store).snapshot() as snapshot:
        tallies = snapshot.pending.hours
        versions = dict(snapshot.versions)
    found = {
        (versions[version], status): tally.sum_ns
        for (_, _, version, status), tally in tallies.items()
    }
    assert found == {("1", 0): 1_000_000, ("2", 404): 2_000_000}


def test_what_is_only_seen_has_its_last_start(store: Store) -> None:
    """Whatever the order; requests of other endpoints in the batch are stored."""
    one = writer(store)
    batch = [request(endpoint="quiet", level=0, start_us=START_US + n) for n in (5, 9, 7)]
    found = one.write(Batch([*batch, request()]))
    assert found == Written(1, 0, 0, 3, 0)
    with Reader(store).snapshot() as snapshot:
        names = {number: one.name for number, one in snapshot.endpoints.items()}
        seen = {names[n]: us for n, us in snapshot.pending.seen.items()}
    assert seen == {"quiet": START_US + 9}


def test_a_batch_that_is_partly_known_has_each_request_once(store: Store) -> None:
    """Rows that are new are counted, in the order of their ids; means take them only."""
    one = writer(store)
    batch = [request() for _ in range(5)]
    assert one.write(Batch(batch[1:3])) == Written(2, 0, 0, 0, 0)
    assert one.write(Batch(batch[::-1])) == Written(3, 2, 0, 0, 0)
    assert one.write(Batch(batch)) == Written(0, 5, 0, 0, 0)
    assert one._means is not None
    assert [mean.count for mean in one._means.values()] == [5]


def test_rows_are_inserted_in_the_order_of_their_ids(sqlite_store: Store) -> None:
    """Whatever their endpoints: writers that insert in the same order cannot deadlock."""
    one = writer(sqlite_store)
    batch = [request(endpoint=name) for name in "cab"]
    one.write(Batch(batch))
    rows = [item.row for item in one._prepare(batch[::-1])[0]]
    assert [row.span_id for row in rows] == [made.span_id for made in batch]


def test_rows_come_back_with_their_places(store: Store) -> None:
    """Sorted by the ids that they get; what another span has taken moves upward."""
    one = writer(store)
    batch = [request() for _ in range(3)]
    one.write(Batch(batch[:1]))
    inserter = Inserter(store)
    rows = [item.row for item in one._prepare([*batch[1:], batch[0]])[0]]
    stranger = rows[0]._replace(trace_id=b"x" * 16)
    with store.write() as connection:
        places, fresh = inserter.resolve(connection, [rows[2], stranger, rows[0], rows[1], rows[2]])
        assert inserter.insert_all(connection, fresh)
        assert inserter.insert_all(connection, [])
    assert [row.id for row in fresh] == sorted(row.id for row in fresh)
    assert {place: row.span_id for place, row in zip(places, fresh, strict=True)} == {
        0: rows[2].span_id,
        1: stranger.span_id,
        3: rows[1].span_id,
    }
    moved = fresh[places.index(1)]
    assert moved.id > stranger.id
    assert moved._replace(id=0) == stranger._replace(id=0)


class Broken:
    """A store that cannot be written a number of times."""

    def __init__(self, one: BatchWriter, patch: pytest.MonkeyPatch, failures: int) -> None:
        self.tries, self._failures, self._write = 0, failures, one._write
        self.waits: list[float] = []
        patch.setattr(one, "_write", self)
        patch.setattr(write._jitter, "random", lambda: 0.25)
        patch.setattr(write.time, "sleep", self.waits.append)

    def __call__(self, requests: Any) -> Written:
        """Fail, or write."""
        self.tries += 1
        if self.tries <= self._failures:
            raise StoreUnavailableError("deadlock")
        return self._write(requests)


def test_what_fails_is_tried_again(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times, with waits that double, and names that are read anew."""
    monkeypatch.setattr(type(sqlite_store.database), "has_one_writer", False)
    one = writer(sqlite_store)
    one.write(Batch([request()]))
    broken = Broken(one, monkeypatch, 7)
    loads: list[int] = []
    load = one.names._load
    monkeypatch.setattr(one.names, "_load", lambda: (loads.append(1), load()))
    assert one.write(Batch([request()])).stored == 1
    assert broken.tries == 8
    assert broken.waits == pytest.approx([0.015 * 2**n for n in range(7)])
    assert loads == [1]


def test_after_eight_tries_it_is_unavailable(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client keeps the batch, then."""
    monkeypatch.setattr(type(sqlite_store.database), "has_one_writer", False)
    one = writer(sqlite_store)
    broken = Broken(one, monkeypatch, 8)
    with pytest.raises(StoreUnavailableError, match="deadlock"):
        one.write(Batch([request()]))
    assert (broken.tries, len(broken.waits)) == (8, 7)


def test_a_database_with_one_writer_is_not_asked_again(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited long enough already."""
    one = writer(sqlite_store)
    broken = Broken(one, monkeypatch, 1)
    with pytest.raises(StoreUnavailableError):
        one.write(Batch([request()]))
    assert (broken.tries, broken.waits) == (1, [])
    assert one.write(Batch([request()])).stored == 1


def test_ids_that_another_writer_takes_meanwhile(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is stored of the batch; it is for later."""
    one = writer(sqlite_store)
    monkeypatch.setattr(one._inserter, "insert_all", lambda *_: False)
    with pytest.raises(StoreUnavailableError, match=r"^another writer took the same ids$"):
        one.write(Batch([request()]))
    monkeypatch.undo()
    assert one.write(Batch([request()])).stored == 1


def test_defaults_are_those_of_the_settings(sqlite_store: Store) -> None:
    """Level 2, two thousand endpoints, two hundred of them from paths."""
    one = BatchWriter(sqlite_store, OutlierRule())
    names = one.names
    assert (names._default_level, names._limits) == (2, NameLimits())
