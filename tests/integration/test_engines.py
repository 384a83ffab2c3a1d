"""What every database engine promises: one suite, over each of them, a cluster and a fourth."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

import otel_fmd
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.errors import ConfigurationError, StoreUnavailableError
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.otlp.logs_protobuf import decode_protobuf as decode_logs
from otel_fmd.otlp.points_protobuf import decode_protobuf as decode_points
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.queries.logs import LogFilter, logs
from otel_fmd.queries.metric_lines import MetricQuery, metric_lines
from otel_fmd.queries.metrics import Minutes, known_metrics
from otel_fmd.queries.snapshot import Reader
from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import Translator
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store import causes, engines
from otel_fmd.store.schema import HEAD, ensure_schema, revision_of
from otel_fmd.store.space import checkpoint, give_back, size_bytes
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from tests.support.databases import Galera, open_folder
from tests.support.logs import log, logs_body
from tests.support.points import DELTA, counter, metrics_body
from tests.support.spans import Spans, body

FOURTH = Path(__file__).parents[1] / "support" / "engines"
NAMES = ("sqlite", "postgresql", "mariadb", "galera", "fourth")
_BIG = 2**62


@pytest.fixture(scope="module")
def cluster() -> Iterator[Galera]:
    """Two nodes of MariaDB."""
    with open_folder() as folder:
        found = Galera([folder / "a", folder / "b"])
        yield found
        found.kill()


@pytest.fixture(autouse=True)
def fourth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that lies in the folder of engines."""
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(FOURTH)])


@pytest.fixture(params=NAMES)
def url(request: pytest.FixtureRequest, new_url: Callable[[str], str], tmp_path: Path) -> str:
    """A new database of each engine."""
    if request.param == "fourth":
        return f"fourth:///{tmp_path / 'fourth.db'}"
    if request.param == "galera":
        cluster: Galera = request.getfixturevalue("cluster")
        name = re.sub(r"\W", "_", f"c_{request.node.name}")[:60]
        return cluster.urls(name)[0]
    return new_url(request.param)


@pytest.fixture
def opened(url: str, open_store: Callable[..., Store]) -> Store:
    """It, open, with its tables."""
    return open_store(url)


def put(store: Store, names: list[str]) -> None:
    """Settings, as rows to look for."""
    with store.write() as connection:
        rows = [{"name": name, "value": "x"} for name in names]
        connection.execute(insert(store.tables.setting), rows)


def names(store: Store) -> set[str]:
    """Those that are there."""
    with store.read() as connection:
        return set(connection.execute(select(store.tables.setting.c.name)).scalars())


def request_rows(first: int, number: int) -> list[tuple[Any, ...]]:
    """Requests, by `COLUMNS` below."""
    ids = range(first, first + number)
    return [(n, 1.5, "127.0.0.1", n.to_bytes(16, "big")) for n in ids]


COLUMNS = ("id", "duration", "ip", "trace_id")


def count(store: Store, table: Table) -> int:
    """Rows of a table."""
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_every_scheme_has_its_engine() -> None:
    """The fourth, too, which nothing else knows; a driver's name in a URL is no matter."""
    found = engines.engines()
    assert {"sqlite", "postgresql", "postgres", "mariadb", "mysql", "fourth"} == set(found)
    assert all(scheme in engine.schemes for scheme, engine in found.items())
    with pytest.raises(ConfigurationError, match=r"'oracle' is not one of .*fourth"):
        Store("oracle://host/db")


def test_an_error_undoes_its_transaction(opened: Store) -> None:
    """All of it, and the next one is a new one."""
    with suppress(ZeroDivisionError), opened.write() as connection:
        connection.execute(insert(opened.tables.setting).values(name="lost", value="x"))
        raise ZeroDivisionError
    put(opened, ["kept"])
    assert {"kept"} <= names(opened)
    assert "lost" not in names(opened)


def test_a_reader_sees_one_state(opened: Store) -> None:
    """Whatever is committed meanwhile; no writer waits for it."""
    with opened.read() as connection:
        query = select(opened.tables.setting.c.name)
        before = set(connection.execute(query).scalars())
        done: list[float] = []

        def write() -> None:
            began = time.monotonic()
            put(opened, ["new"])
            done.append(time.monotonic() - began)

        writer = threading.Thread(target=write)
        writer.start()
        writer.join(10)
        assert done
        assert set(connection.execute(query).scalars()) == before
    assert "new" in names(opened)


def test_a_writer_with_a_snapshot_sees_one_state(opened: Store) -> None:
    """Where others can write at the same time."""
    if opened.database.has_one_writer:
        with opened.write(snapshot=True) as connection:
            assert connection.execute(select(func.count()).select_from(opened.tables.setting))
        return
    with opened.write(snapshot=True) as connection:
        query = select(func.count()).select_from(opened.tables.setting)
        before = connection.execute(query).scalar_one()
        put(opened, ["meanwhile"])
        assert connection.execute(query).scalar_one() == before


def test_writers_at_once_lose_nothing(opened: Store) -> None:
    """Sixteen add to one number; what the database refuses for now says so, and is done again."""
    table = opened.tables.fold_state
    with opened.write() as connection:
        connection.execute(insert(table).values(id=77, generation=0))

    def add() -> None:
        for _ in range(5):
            while True:
                with suppress(StoreUnavailableError), opened.write() as connection:
                    query = update(table).where(table.c.id == 77)
                    connection.execute(query.values(generation=table.c.generation + 1))
                    break

    threads = [threading.Thread(target=add) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with opened.read() as connection:
        query = select(table.c.generation).where(table.c.id == 77)
        assert connection.execute(query).scalar_one() == 80


@pytest.mark.parametrize("number", [1, 15, 16, 17, 1_300])
def test_new_rows_go_in(opened: Store, number: int) -> None:
    """Few and many."""
    table = opened.tables.request
    into = Statements(opened).insert(table, COLUMNS)
    with opened.write() as connection:
        assert opened.database.insert_new(connection, into, request_rows(_BIG, number))
    assert count(opened, table) == number


@pytest.mark.parametrize("place", [0, 20, 39])
def test_a_row_that_is_there_is_told(opened: Store, place: int) -> None:
    """First, in the middle or last; the transaction is undone, and nothing of it stays."""
    table = opened.tables.request
    into = Statements(opened).insert(table, COLUMNS)
    with opened.write() as connection:
        assert opened.database.insert_new(connection, into, request_rows(_BIG + place, 1))
    with suppress(ZeroDivisionError), opened.write() as connection:
        assert not opened.database.insert_new(connection, into, request_rows(_BIG, 40))
        raise ZeroDivisionError
    assert count(opened, table) == 1


def test_another_constraint_is_an_error(opened: Store) -> None:
    """And no duplicate: it would be waited for, for ever."""
    table = opened.tables.setting
    with pytest.raises(IntegrityError) as caught, opened.write() as connection:
        connection.execute(insert(table).values(name="n", value=None))
    assert not opened.database.is_duplicate(caught.value)
    put(opened, ["twice"])
    with pytest.raises(IntegrityError) as caught:
        put(opened, ["twice"])
    assert opened.database.is_duplicate(caught.value)


@pytest.mark.parametrize("number", [1, 40, 1_200])
def test_upserts_merge(opened: Store, number: int) -> None:
    """Sums, least, greatest and the latest; rows that were there and new ones together."""
    table = opened.tables.hour_count
    columns = [column.name for column in table.columns]
    merge = {"count": "add", "sum_ns": "replace", "min_ns": "min", "max_ns": "max"}
    statement = Statements(opened).upsert(table, columns, merge)
    half = number // 2
    with opened.write() as connection:
        rows = [(n, 1, 1, 200, 2, 10, 5, 9) for n in range(half)]
        opened.database.run_many(connection, statement, rows)
    with opened.write() as connection:
        rows = [(n, 1, 1, 200, 3, 11, 4 + n % 3, 8 + n % 3) for n in range(number)]
        opened.database.run_many(connection, statement, rows)
    with opened.read() as connection:
        query = select(*table.columns).order_by(table.c.hour)
        found = [tuple(row) for row in connection.execute(query)]
    assert found == [
        (n, 1, 1, 200, 5, 11, min(5, 4 + n % 3), max(9, 8 + n % 3))
        if n < half
        else (n, 1, 1, 200, 3, 11, 4 + n % 3, 8 + n % 3)
        for n in range(number)
    ]


def test_the_changed_rows_are_counted(opened: Store) -> None:
    """No row, too."""
    statement = Statements(opened).insert(opened.tables.setting, ("name", "value")).statement
    with opened.write() as connection:
        assert opened.database.run_many(connection, statement, []) == 0
        rows = [(f"n{n}", "x") for n in range(45)]
        assert opened.database.run_many(connection, statement, rows) == 45


def test_values_come_back_as_they_went(opened: Store) -> None:
    """Microseconds, megabytes, all of Unicode, ids of 64 bits, bytes of any value."""
    tables = opened.tables
    moment = datetime(2026, 2, 28, 23, 59, 59, 999_999)
    words, data = "Zoë 😀 " * 200_000, bytes(range(256)) * 8_000
    with opened.write() as connection:
        run = connection.execute
        run(insert(tables.service).values(id=1, name="Straße", time_added=moment))
        run(insert(tables.setting).values(name="long", value=words))
        run(insert(tables.delta).values(created_us=2**53, count=1, payload=data))
        run(
            insert(tables.request).values(
                id=2**63 - 1,
                duration=0.1,
                ip="::1",
                trace_id=bytes(range(16)),
                span_id=b"\x00\xff" * 4,
            )
        )
    with opened.read() as connection:
        run = connection.execute
        assert run(select(tables.service.c.time_added)).scalar_one() == moment
        long = select(tables.setting.c.value).where(tables.setting.c.name == "long")
        assert run(long).scalar_one() == words
        assert bytes(run(select(tables.delta.c.payload)).scalar_one()) == data
        row = run(select(tables.request)).one()
        assert (row.id, row.duration) == (2**63 - 1, 0.1)
        assert bytes(row.trace_id) == bytes(range(16))
        assert bytes(row.span_id) == b"\x00\xff" * 4


def test_names_that_differ_are_two(opened: Store) -> None:
    """By upper case, accents, width."""
    put(opened, ["a", "A", "ä", "\uff41"])
    assert {"a", "A", "ä", "\uff41"} <= names(opened)


def test_ids_are_never_given_twice(opened: Store) -> None:
    """Of rows that were all deleted: whoever read up to one must not miss the next."""
    table = opened.tables.delta
    ids = []
    for _ in range(3):
        with opened.write() as connection:
            made = connection.execute(insert(table).values(created_us=1, count=1, payload=b"x"))
            ids.append(made.inserted_primary_key[0])
            connection.execute(table.delete())
    assert ids == sorted(set(ids))


def test_many_processes_make_the_tables_once(url: str) -> None:
    """Here threads with stores of their own."""
    stores = [Store(url) for _ in range(6)]
    failed: list[Exception] = []

    def make(store: Store) -> None:
        try:
            ensure_schema(store)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=make, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with stores[0].read() as connection:
        assert revision_of(connection, "") == HEAD
    for store in stores:
        store.close()
    assert not failed


def test_room_is_measured_and_given_back(opened: Store) -> None:
    """It grows with what is stored; where it falls at once it falls."""
    assert size_bytes(opened) > 0
    table = opened.tables.delta
    with opened.write() as connection:
        rows = [{"created_us": n, "count": 1, "payload": bytes(50_000)} for n in range(200)]
        connection.execute(insert(table), rows)
    checkpoint(opened)
    with opened.read() as connection:
        assert opened.database.disk_bytes(connection, opened.url) > 0
    held = size_bytes(opened)
    with opened.write() as connection:
        connection.execute(table.delete())
    give_back(opened)
    checkpoint(opened)
    if opened.database.frees_at_once:
        assert size_bytes(opened) < held - 5_000_000
        path = opened.file_path
        assert path is not None
        assert Path(path).stat().st_size < held - 5_000_000


def test_a_missing_table_has_its_cause(opened: Store) -> None:
    """And requests wait until it is there."""
    with pytest.raises(StoreUnavailableError) as caught, opened.write() as connection:
        connection.execute(text("INSERT INTO NotThere VALUES (1)"))
    assert caught.value.advice == causes.NO_TABLES


def test_upper_and_lower_case_are_told_apart_as_the_database_does(opened: Store) -> None:
    """Two tables, or one."""
    quote = opened.engine.dialect.identifier_preparer.quote
    with opened.write() as connection:
        ignores = opened.database.ignores_case(connection)
        connection.execute(text(f"CREATE TABLE {quote('Case')} (x INTEGER)"))
    made = True
    try:
        with opened.write() as connection:
            connection.execute(text(f"CREATE TABLE {quote('case')} (x INTEGER)"))
    except Exception:
        made = False
    assert made != ignores


def test_requests_are_stored_once(url: str, open_store: Callable[..., Store]) -> None:
    """The job, on each of them: written twice, there once."""
    store = open_store(url)
    prepare(store)
    spans = [Spans(n).span() for n in range(50)]
    requests: list[Request] = Translator().translate(decode_protobuf(body(spans)).spans).requests
    writer = BatchWriter(store, OutlierRule())
    assert writer.write(Batch(requests)).stored == 50
    again = writer.write(Batch(requests))
    assert (again.stored, again.duplicates) == (0, 50)
    assert count(store, store.tables.request) == 50


_ASKS = re.compile(
    r"dialect\.name|\.dialect\b\s*(==|!=|in)|\.database\.name|get_dialect|"
    r"[\"'](sqlite|postgresql|mysql|mariadb)[\"']|(sqlite|postgresql|mysql|mariadb)_\w+="
)


def test_points_and_log_records_are_stored_once(url: str, open_store: Callable[..., Store]) -> None:
    """By three writers at once that send the same, and fold meanwhile."""
    open_store(url)
    at_ns = time.time_ns() - 600_000_000_000
    failures: list[Exception] = []

    def run(number: int) -> None:
        store = Store(url)
        try:
            writer, folder = BatchWriter(store, OutlierRule()), PointFolder(store)
            for step in range(6):
                metrics = [
                    counter(
                        "hits", 2, temporality=DELTA, at_ns=at_ns + step, attributes=[("n", str(n))]
                    )
                    for n in range(5)
                ]
                points = decode_points(metrics_body(*metrics).SerializeToString()).points
                records = logs_body(*[log(f"{step} {n}", 17, at_ns=at_ns + step) for n in range(5)])
                found = LogBatches().of_records(decode_logs(records.SerializeToString()).found)
                writer.write(Batch(points=points.blocks, records=found.records))
                with suppress(StoreUnavailableError):
                    folder.fold(3)  # another node was faster
        except Exception as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = open_store(url)
    while PointFolder(store).fold(64).deltas:
        pass
    now_us = time.time_ns() // 1000
    minutes = Minutes.between(now_us - 1_800_000_000, now_us, 3_600_000_000)
    with Reader(store).snapshot() as snapshot:
        (metric,) = known_metrics(snapshot, "shop")
        (line,) = metric_lines(snapshot, MetricQuery(metric, {}, (), "sum", minutes)).lines
        entries = logs(snapshot, now_us - 3_600_000_000, now_us, LogFilter()).found
    assert sum(value or 0 for value in line.values) == 6 * 5 * 2
    assert len({entry.body for entry in entries}) == len(entries) == 30


def test_nobody_else_asks_which_database_it_is() -> None:
    """In any file beside the engines.

    Old migrations stay as they ran, and the demo's shop is an application with a database of its
    own.
    """
    root = Path(otel_fmd.__file__).parents[1]
    files = [*(root / "otel_fmd").rglob("*.py"), *(root / "dash_app").rglob("*.py")]
    told = [
        f"{path.relative_to(root)}:{number}"
        for path in files
        if not {"engines", "migrations", "demo"} & set(path.parts)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _ASKS.search(line)
    ]
    assert len(files) > 100
    assert not told
