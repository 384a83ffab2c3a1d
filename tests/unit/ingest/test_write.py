"""Writing batches: exactly once, on every engine."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.analysis.request_id import next_id, request_id
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.insert import RequestRow
from otel_fmd.ingest.names import NameLimits
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.queries.counts import sums, total
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import Translator
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.recount import check
from otel_fmd.store.store import Store
from tests.support.folding import fold_all
from tests.support.spans import Spans, body, flask_attributes


def requests_of(spans: list, **about: str) -> list[Request]:
    """The requests of protobuf spans, through the real decoder and translator."""
    return Translator().translate(decode_protobuf(body(spans, **about)).spans).requests


def count(store: Store, name: str) -> int:
    """The number of rows of a table."""
    with store.read() as connection:
        table = getattr(store.tables, name)
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def writer(store: Store) -> BatchWriter:
    """A writer with the default rule."""
    return BatchWriter(store, OutlierRule())


def test_a_batch_is_stored_with_its_columns(store: Store) -> None:
    """Every column of FMD's Request table is what the span said."""
    span = Spans().span(
        flask_attributes("/a", **{"enduser.id": "Ana", "http.status_code": 404}), duration_ms=12.5
    )
    writer(store).write(Batch(requests_of([span], version="1.2")))
    with store.read() as connection:
        row = connection.execute(select(store.tables.request)).one()
        endpoint = connection.execute(select(store.tables.endpoint)).one()
    assert row.duration == 12.5
    assert row.id == request_id(span.start_time_unix_nano // 1000, span.trace_id, span.span_id)
    assert row.time_requested.microsecond == span.start_time_unix_nano // 1000 % 1_000_000
    assert (row.version_requested, row.group_by, row.ip) == ("1.2", "Ana", "127.0.0.1")
    assert row.status_code == 404
    assert bytes(row.trace_id) == span.trace_id
    assert endpoint.name == "GET /a"


def test_a_batch_sent_again_inserts_nothing(store: Store) -> None:
    """A retried batch, whole or in part, is stored once, and counted once."""
    one = writer(store)
    spans = Spans(1).many(100)
    assert one.write(Batch(requests_of(spans[:60]))).stored == 60
    again = one.write(Batch(requests_of(spans)))
    assert (again.stored, again.duplicates) == (40, 60)
    assert writer(store).write(Batch(requests_of(spans))).duplicates == 100
    assert count(store, "request") == 100
    with Reader(store).snapshot() as snapshot:
        assert total(snapshot, Selection()) == 100


def test_the_same_span_twice_in_a_batch_is_one_row(store: Store) -> None:
    """A client that repeats a span within a batch changes nothing."""
    spans = Spans(2).many(10)
    found = writer(store).write(Batch(requests_of([*spans, *spans[:3]])))
    assert (found.stored, found.duplicates) == (10, 3)


def test_an_id_taken_by_another_span_moves_upward(store: Store) -> None:
    """Two spans with one made id are both stored, and stay where they are when sent again."""
    first, wanted = Spans(3).span(), Spans(4).span()
    us = first.start_time_unix_nano // 1000
    taken = request_id(us, first.trace_id, first.span_id)
    chance = random.Random(5)
    # One of 4,096 has the same id: among so many there is one.
    ids = ((chance.randbytes(16), chance.randbytes(8)) for _ in range(200_000))
    wanted.trace_id, wanted.span_id = next(one for one in ids if request_id(us, *one) == taken)
    wanted.start_time_unix_nano = first.start_time_unix_nano
    wanted.end_time_unix_nano = first.end_time_unix_nano
    one = writer(store)
    assert one.write(Batch(requests_of([first]))).stored == 1
    assert one.write(Batch(requests_of([wanted]))).stored == 1
    assert one.write(Batch(requests_of([wanted, first]))).duplicates == 2
    with store.read() as connection:
        ids = connection.execute(select(store.tables.request.c.id)).scalars().all()
    assert set(ids) == {taken, next_id(taken, wanted.trace_id, wanted.span_id)}


def test_many_spans_of_one_microsecond_are_all_stored(store: Store) -> None:
    """More than its ids, with few looks for free ones; and none twice."""
    spans = Spans(4).many(6_000)
    for span in spans:
        span.start_time_unix_nano = spans[0].start_time_unix_nano
    one = writer(store)
    assert one.write(Batch(requests_of(spans))).stored == 6_000
    assert one.write(Batch(requests_of(spans))).duplicates == 6_000


def test_writers_at_once_store_each_span_once(
    database_url: str, open_store: Callable[..., Store]
) -> None:
    """Three writers with the same and with their own batches: nothing lost, nothing twice."""
    shared = [Spans(seed).many(50) for seed in range(10)]

    def work(number: int) -> int:
        one = writer(open_store(database_url))
        own = [Spans(100 + 10 * number + seed).many(50) for seed in range(10)]
        return sum(
            one.write(Batch(requests_of(batch))).stored
            for pair in zip(shared, own, strict=True)
            for batch in pair
        )

    open_store(database_url)
    with ThreadPoolExecutor(3) as pool:
        stored = sum(pool.map(work, range(3)))
    assert stored == 4 * 500
    assert count(open_store(database_url), "request") == 4 * 500


def test_text_that_does_not_fit_is_cut_visibly(store: Store) -> None:
    """Long names end in a hash, so that two never merge; what a database refuses is replaced."""
    spans = [
        Spans(4).span(flask_attributes("/" + "a" * 300)),
        Spans(5).span(flask_attributes("/" + "a" * 300 + "b", **{"enduser.id": "nul\x00 é 🫖"})),
    ]
    writer(store).write(Batch(requests_of(spans, version="v" * 200)))
    with store.read() as connection:
        names = connection.execute(select(store.tables.endpoint.c.name)).scalars().all()
        users = connection.execute(select(store.tables.request.c.group_by)).scalars().all()
        version = connection.execute(select(store.tables.version.c.name)).scalar_one()
    assert len(set(names)) == 2
    assert all(len(name) == 250 and name[-9] == "~" for name in names)
    assert "nul\ufffd é 🫖" in users
    assert len(version) == 100


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_connection_that_breaks_within_a_batch_loses_nothing(
    engine: str, new_url: Callable[[str], str], open_store: Callable[..., Store]
) -> None:
    """The server ends our connection while rows are on their way: the batch is tried again."""
    store = open_store(new_url(engine))
    own, end = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mariadb": ("SELECT connection_id()", "KILL {}"),
    }[engine]
    broken = []
    one = writer(store)
    insert_all = one._inserter.insert_all

    def break_first(connection: Connection, rows: Sequence[RequestRow]) -> bool:
        if not broken:
            number = connection.exec_driver_sql(own).scalar_one()
            with store.write() as other:
                other.exec_driver_sql(end.format(number))
            broken.append(number)
        return insert_all(connection, rows)

    one._inserter.insert_all = break_first  # type: ignore[method-assign]
    assert one.write(Batch(requests_of(Spans(9).many(50)))).stored == 50
    assert broken
    assert count(store, "request") == 50


def test_names_that_differ_in_case_stay_apart(store: Store) -> None:
    """`/A` and `/a` are two endpoints, `Ana` and `ana` two users, on every engine."""
    spans = [
        Spans(6).span(flask_attributes("/A", **{"enduser.id": "Ana"})),
        Spans(7).span(flask_attributes("/a", **{"enduser.id": "ana"})),
        Spans(8).span(flask_attributes("/a", **{"enduser.id": "Ana"})),
    ]
    writer(store).write(Batch(requests_of(spans)))
    folder = DeltaFolder(store)
    assert folder.fold(10) == 1
    assert folder.fold_callers(10) == 1
    assert count(store, "endpoint") == 2


def test_outliers_follow_the_rule_of_the_endpoint(store: Store) -> None:
    """Over 2.5 times the mean, once 30 requests are known, judged by those before; kept on disk."""
    one = writer(store)
    makers = Spans(9)
    assert one.write(Batch(requests_of([makers.span(duration_ms=500)]))).outliers == 0
    one = writer(store)
    steady = [makers.span(duration_ms=10) for _ in range(40)]
    assert one.write(Batch(requests_of(steady))).outliers == 0
    restarted = writer(store)
    slow = makers.span(
        flask_attributes(**{"http.request.header.authorization": "Bearer x"}), duration_ms=80
    )
    assert restarted.write(Batch(requests_of([slow]))).outliers == 1
    with store.read() as connection:
        row = connection.execute(select(store.tables.outlier)).one()
    assert row.request_url == "http://localhost/items/<int:i>"
    assert "Bearer" not in row.request_header + row.request_environment
    assert "Authorization: [redacted]" in row.request_header


def test_level_zero_keeps_only_the_last_time(store: Store) -> None:
    """An endpoint at level 0 has no rows; when it was last requested is known at once."""
    one = BatchWriter(store, OutlierRule(), default_level=0)
    span = Spans(10).span()
    found = one.write(Batch(requests_of([span])))
    assert (found.stored, found.seen_only) == (0, 1)
    assert count(store, "request") == 0
    with Reader(store).snapshot() as snapshot:
        seen = snapshot.pending.last_requested(2**62)
    assert list(seen.values()) == [span.start_time_unix_nano // 1000]


def test_endpoints_are_bounded(store: Store) -> None:
    """Names without bound end in one endpoint, and no request is lost."""
    one = BatchWriter(store, OutlierRule(), limits=NameLimits(5))
    spans = [Spans(n).span(flask_attributes(f"/{n}")) for n in range(20)]
    assert one.write(Batch(requests_of(spans))).stored == 20
    assert count(store, "endpoint") == 6


def test_endpoints_named_after_paths_are_bounded_by_themselves(store: Store) -> None:
    """Above the limit all go to one endpoint, counted.

    Routes are named still, in other processes, too, and what was there stays.
    """
    paths = [f"/{a}{b}" for a in "abcde" for b in "vwxyz"]
    spans = [
        Spans(n).span({"http.method": "GET", "url.path": path}) for n, path in enumerate(paths)
    ]
    spans.append(Spans(99).span(flask_attributes("/routed")))
    first = BatchWriter(store, OutlierRule(), limits=NameLimits(paths=5)).write(
        Batch(requests_of(spans))
    )
    assert (first.stored, first.other_endpoints) == (26, 20)
    again = [
        Spans(100 + n).span({"http.method": "GET", "url.path": path})
        for n, path in enumerate(("/ex", "/av", "/new"))
    ]
    second = BatchWriter(store, OutlierRule(), limits=NameLimits(paths=5)).write(
        Batch(requests_of(again))
    )
    assert (second.stored, second.other_endpoints) == (3, 2)
    with Reader(store).snapshot() as snapshot:
        sources = {one.name: one.name_source for one in snapshot.endpoints.values()}
    named = [name for name, source in sources.items() if source == "path"]
    assert len(named) == 5
    assert set(sources) - set(named) == {"GET /routed", "(other paths)"}
    assert sources["GET /routed"] == "route"


def test_an_endpoint_from_before_learns_where_its_name_came_from(store: Store) -> None:
    """Once a request tells it; its level and all else stay."""
    one = writer(store)
    one.write(Batch(requests_of([Spans(1).span(flask_attributes("/a"))])))
    endpoint = store.tables.endpoint
    with store.write() as connection:
        connection.execute(endpoint.update().values(name_source=None, monitor_level=1))
    writer(store).write(Batch(requests_of([Spans(2).span(flask_attributes("/a"))])))
    with store.read() as connection:
        found = connection.execute(select(endpoint)).one()
    assert (found.name, found.name_source, found.monitor_level) == ("GET /a", "route", 1)


def test_folding_keeps_every_figure(store: Store) -> None:
    """Figures are the same before, between and after folds, by two folders at once."""
    one = writer(store)
    for seed in range(30):
        one.write(Batch(requests_of(Spans(seed).many(20, **{"enduser.id": f"u{seed % 7}"}))))

    def figures() -> object:
        with Reader(store).snapshot() as snapshot:
            return sums(snapshot, Selection(), ("endpoint_id", "version_id", "status_code"))

    before = figures()
    with ThreadPoolExecutor(2) as pool:
        folded = sum(pool.map(lambda _: DeltaFolder(store).fold(7), range(8)))
        assert figures() == before
        folded += sum(pool.map(lambda _: DeltaFolder(store).fold(100), range(2)))
        pool_who = sum(pool.map(lambda _: DeltaFolder(store).fold_callers(11), range(6)))
    fold_all(store)
    assert folded <= 30
    assert pool_who <= 30
    assert figures() == before


def test_a_delta_is_left_alone_until_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several folders one folds for all; a clock that is behind waits for nobody."""
    writer(store).write(Batch(requests_of(Spans(4).many(10))))
    folder = DeltaFolder(store)
    assert folder.fold(100, older_than_s=60) == 0
    now = time.time()
    monkeypatch.setattr("otel_fmd.rollups.fold.time.time", lambda: now + 61)
    assert folder.fold(100, older_than_s=60) == 1
    assert folder.fold_callers(100, older_than_s=90) == 0
    monkeypatch.setattr("otel_fmd.rollups.fold.time.time", lambda: now - 3600)
    assert folder.fold_callers(100, older_than_s=90) == 1


@pytest.mark.parametrize("start_ns", [1_000_000_000, 4_000_000_000_000_000_000])
def test_clocks_that_are_wrong_lose_nothing(store: Store, start_ns: int) -> None:
    """Starts in 1970 and in 2096 are stored, found by their time, and stored once."""
    spans = Spans(11, start_ns).many(50)
    one = writer(store)
    assert one.write(Batch(requests_of(spans))).stored == 50
    assert one.write(Batch(requests_of(spans))).duplicates == 50
    with Reader(store).snapshot() as snapshot:
        hour = start_ns // 3_600_000_000_000
        assert total(snapshot, Selection(hour, hour + 1)) == 50


def test_rows_and_figures_agree_on_versions_above_the_limit(store: Store) -> None:
    """Both have them as one, and they are counted."""
    spans = [Spans(n).many(2) for n in range(5)]
    one = BatchWriter(store, OutlierRule(), limits=NameLimits(versions=2))
    found = [
        one.write(Batch(requests_of(part, version=str(n)))).other_endpoints
        for n, part in enumerate(spans)
    ]
    assert found == [0, 0, 2, 2, 2]
    fold_all(store)
    assert check(store) == []
    with store.read() as connection:
        versions = connection.execute(store.tables.request.select()).all()
    assert {row.version_requested for row in versions} == {"0", "1", "(other versions)"}
