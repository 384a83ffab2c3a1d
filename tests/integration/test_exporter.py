"""The in-process exporter: zero code, prefork, and a database that is away."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.trace import SpanKind
from sqlalchemy import Connection, func, select, text

from otel_fmd import FmdSpanExporter
from otel_fmd.ingest.insert import Inserter, RequestRow
from otel_fmd.queries.logs import LogFilter, logs
from otel_fmd.queries.metrics import known_metrics, known_series
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.apps import counted, running_app
from tests.support.waiting import wait_for

APP = """
import os
from flask import Flask
app = Flask(__name__)

@app.route("/pid")
def pid():
    return str(os.getpid())
"""


def test_spans_become_requests(database_url: str) -> None:
    """Through the SDK's batch processor, on every engine; flushed means durable."""
    exporter = FmdSpanExporter(database_url)
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)
    for number in range(300):
        with tracer.start_as_current_span(f"job {number % 3}", kind=SpanKind.CONSUMER):
            pass
    assert provider.force_flush()
    assert exporter.force_flush()
    assert counted(database_url) == 300
    provider.shutdown()
    assert exporter.counters.dropped == 0


def test_a_request_that_cannot_be_stored_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a batch of the monitored app, which nobody sends again: one is dropped, and counted."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    insert_all = Inserter.insert_all

    def insert(self: Inserter, connection: Connection, rows: Sequence[RequestRow]) -> bool:
        if any(row.group_by == "poison" for row in rows):
            raise ValueError("no database takes this")
        return insert_all(self, connection, rows)

    monkeypatch.setattr(Inserter, "insert_all", insert)
    exporter = FmdSpanExporter(url)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)
    for number in range(100):
        who = {"enduser.id": "poison" if number == 70 else "ana"}
        with tracer.start_as_current_span("job", kind=SpanKind.SERVER, attributes=who):
            pass
    assert provider.force_flush()
    assert not exporter.force_flush()
    assert counted(url) == 99
    assert exporter.counters.dropped == 1
    provider.shutdown()


def test_a_database_that_is_away_does_not_block_and_loses_nothing(tmp_path: Path) -> None:
    """Exports return at once; spans wait in our queue until the database is there."""
    folder = tmp_path / "later"
    url = f"sqlite:///{folder / 'fmd.db'}"
    exporter = FmdSpanExporter(url)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer(__name__).start_as_current_span("job", kind=SpanKind.SERVER):
        pass
    assert exporter.force_flush(100) is False
    folder.mkdir()
    assert exporter.force_flush(30_000) is True
    assert counted(url) == 1
    provider.shutdown()


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    """Memory is bounded; what is lost is counted."""
    exporter = FmdSpanExporter(f"sqlite:///{tmp_path / 'no' / 'fmd.db'}", queue_requests=512)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for _ in range(600):
        with provider.get_tracer(__name__).start_as_current_span("job", kind=SpanKind.SERVER):
            pass
    assert exporter.counters.dropped == 600 - 512
    exporter.shutdown()


def test_a_forked_child_writes_its_own(tmp_path: Path) -> None:
    """What waits in the parent is not written twice; the child starts threads of its own."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    exporter = FmdSpanExporter(url)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER):
        pass
    exporter.force_flush()
    child = os.fork()
    if child == 0:
        try:
            with tracer.start_as_current_span("child", kind=SpanKind.SERVER):
                pass
            os._exit(0 if exporter.force_flush(20_000) else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER):
        pass
    assert exporter.force_flush()
    assert counted(url) == 3
    provider.shutdown()


def environment(url: str) -> dict[str, str]:
    """The one line that a zero-code user types."""
    return {
        **os.environ,
        "OTEL_TRACES_EXPORTER": "fmd",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "zero",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_FMD_DATABASE_URL": url,
    }


@pytest.mark.parametrize(
    "command",
    [
        ["flask", "--app", "app", "run", "--port", "{port}"],
        ["gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--workers", "3"],
        ["gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--workers", "2", "--preload"],
        [
            "gunicorn",
            "app:app",
            "--bind",
            "127.0.0.1:{port}",
            "--workers",
            "2",
            "--worker-class",
            "gthread",
            "--threads",
            "4",
        ],
    ],
    ids=["flask", "prefork", "preload", "gthread"],
)
def test_zero_code(command: list[str], tmp_path: Path) -> None:
    """`opentelemetry-instrument` with OTEL_TRACES_EXPORTER=fmd, under real servers."""
    (tmp_path / "app.py").write_text(APP)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    run = ["opentelemetry-instrument", *command]
    with running_app(run, "/pid", tmp_path, **environment(url)) as app:
        pids = {app.get("/pid").text for _ in range(59)}
        assert len(pids) >= 1
        wait_for(lambda: Path(tmp_path / "fmd.db").exists() and counted(url) == 60, 30)
    store = Store(url)
    with store.read() as connection:
        rows = connection.execute(select(func.count(store.tables.request.c.id))).scalar_one()
        names = connection.execute(select(store.tables.endpoint.c.name)).scalars().all()
    store.close()
    assert (rows, names) == (60, ["pid"])


def test_the_exporter_never_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The monitored app comes first."""
    exporter = FmdSpanExporter(f"sqlite:///{tmp_path / 'fmd.db'}")

    def broken(_: object) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(exporter._pipeline, "submit", broken)
    assert exporter.export([]).name == "FAILURE"
    exporter.shutdown()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_what_an_operator_can_put_right_is_waited_for(
    engine: str, new_url: Callable[[str], str]
) -> None:
    """A table that is missing for a while: nothing is dropped, and a flush says what is stored."""
    url = new_url(engine)
    exporter = FmdSpanExporter(url)
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)

    def job() -> None:
        with tracer.start_as_current_span("job", kind=SpanKind.CONSUMER):
            pass

    job()
    assert exporter.force_flush()
    store = Store(url)
    quote = store.engine.dialect.identifier_preparer.quote
    with store.write() as connection:
        connection.execute(text(f"ALTER TABLE {quote('Delta')} RENAME TO {quote('Elsewhere')}"))
    job()
    assert not exporter.force_flush(500)
    assert exporter.counters.dropped == 0
    with store.write() as connection:
        connection.execute(text(f"ALTER TABLE {quote('Elsewhere')} RENAME TO {quote('Delta')}"))
    assert exporter.force_flush()
    assert counted(url) == 2
    provider.shutdown()
    store.close()


def test_a_flush_says_when_something_was_dropped(tmp_path: Path) -> None:
    """Flushed means stored; the next flush, of what came after, is true again."""
    exporter = FmdSpanExporter(f"sqlite:///{tmp_path / 'no' / 'fmd.db'}", queue_requests=512)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)
    for _ in range(600):
        with tracer.start_as_current_span("job", kind=SpanKind.CONSUMER):
            pass
    (tmp_path / "no").mkdir()
    assert not exporter.force_flush()
    with tracer.start_as_current_span("job", kind=SpanKind.CONSUMER):
        pass
    assert exporter.force_flush()
    provider.shutdown()


def test_logs_and_process_metrics_come_with_one_setting(database_url: str) -> None:
    """Of the app's own process: what is logged within a sampled span, and severe records."""
    exporter = FmdSpanExporter(database_url, logs=True, process_metrics_seconds=0.05)
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)
    log = logging.getLogger("shop.views")
    log.setLevel(logging.DEBUG)
    with tracer.start_as_current_span("first", kind=SpanKind.CONSUMER):
        pass
    assert exporter.force_flush()
    log.info("nobody asked for this")
    with tracer.start_as_current_span("job", kind=SpanKind.CONSUMER) as span:
        log.debug("step %d", 1, extra={"order": 7, "api_key": "sk-1234567890"})
        trace_id = span.get_span_context().trace_id.to_bytes(16, "big")
    try:
        raise ValueError("no such item")
    except ValueError:
        log.exception("failed")
    reader = Reader(exporter._store)

    def measured() -> set[str]:
        with reader.snapshot() as snapshot:
            return {one.name for one in known_metrics(snapshot, "mine")}

    wait_for(lambda: len(measured()) == 4, 10, "process metrics")
    assert exporter.force_flush()
    with reader.snapshot() as snapshot:
        now = time.time_ns() // 1000
        step, failed = sorted(logs(snapshot, 0, now + 10**6, LogFilter()).found)
        (memory,) = [one for one in known_metrics(snapshot, None) if "memory" in one.name]
        (series,) = known_series(snapshot, memory.id)
    assert (step.body, step.trace_id, step.service) == ("step 1", trace_id.hex(), "mine")
    assert (step.attributes["order"], step.attributes["api_key"]) == (7, "[redacted]")
    assert step.attributes["code.function.name"].startswith("test_logs_and_process")
    assert (failed.body, failed.severity, failed.logger) == ("failed", 17, "shop.views")
    assert failed.attributes["exception.type"] == "ValueError"
    assert "no such item" in failed.attributes["exception.stacktrace"]
    assert series.worker["process.pid"] == str(os.getpid())
    provider.shutdown()
    assert all(type(one).__name__ != "AppLogHandler" for one in logging.getLogger().handlers)
    assert exporter.counters.records == 2
