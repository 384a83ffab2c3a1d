"""The agent in a Flask app: names, levels, outlier snapshots, profiles; it never harms the app."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, request
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_fmd
from otel_fmd.database.endpoints import set_monitor_level
from otel_fmd.database.queries.outliers import outliers
from otel_fmd.database.queries.profiles import grouped_profile, profiles
from otel_fmd.database.queries.rows import requests
from otel_fmd.database.queries.selection import Selection
from otel_fmd.database.queries.snapshot import Reader
from otel_fmd.database.store import Store
from otel_fmd.instrumentation import Instrumentation
from tests.support.waiting import wait_for


def busy(seconds: float) -> int:
    """Compute for so long, by the thread's own clock."""
    end = time.thread_time() + seconds
    number = 0
    while time.thread_time() < end:
        number += 1
    return number


def make_app() -> Flask:
    """Endpoints with a known split of computing and waiting."""
    app = Flask("agent-test")
    shop = Blueprint("shop", __name__)

    @shop.route("/mixed")
    def mixed() -> str:
        busy(0.03)
        time.sleep(0.03)
        return "x"

    @shop.route("/item/<int:number>", methods=["GET", "POST"])
    def item(number: int) -> str:
        time.sleep(float(request.args.get("wait", "0")))
        return str(number)

    app.register_blueprint(shop)
    return app


@pytest.fixture
def kept() -> InMemorySpanExporter:
    """What the app's own exporter gets."""
    return InMemorySpanExporter()


@pytest.fixture
def instrumented(
    tmp_path: Path, kept: InMemorySpanExporter
) -> Iterator[Callable[..., tuple[Flask, Instrumentation, Store]]]:
    """Makes instrumented apps with a database of their own."""
    made: list[Instrumentation] = []

    def make(**options: Any) -> tuple[Flask, Instrumentation, Store]:
        app = make_app()
        provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
        provider.add_span_processor(SimpleSpanProcessor(kept))
        url = f"sqlite:///{tmp_path / 'fmd.db'}"
        found = otel_fmd.instrument(app, database_url=url, tracer_provider=provider, **options)
        made.append(found)
        return app, found, Store(url)

    yield make
    for one in made:
        one.uninstrument()


def test_endpoints_have_fmds_names_and_users(instrumented: Any) -> None:
    """`blueprint.view`; group-by in all of FMD's forms; the address from a function."""
    app, found, store = instrumented(
        group_by=(lambda: request.args.get("user"), ("static", lambda: 7)),
        get_ip=lambda: "192.0.2.1",
    )
    app.test_client().get("/item/1?user=ana")
    app.test_client().get("/nothing")
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        assert set(ids) == {"shop.item", "GET (unmatched)"}
        (one,) = requests(snapshot, Selection(endpoint_ids=[ids["shop.item"]])).requests
    assert (one.group_by, one.ip) == ("(ana,(static,7))", "192.0.2.1")


def test_a_slow_request_is_caught_in_the_act(instrumented: Any) -> None:
    """Stack of the endpoint's line, CPU, memory, URL, values and headers; secrets are hidden."""
    app, found, store = instrumented(outlier_min_requests=5)
    client = app.test_client()
    for number in range(8):
        client.get(f"/item/{number}?wait=0.005")
    client.get(
        "/item/99?wait=0.2&token=abc", headers={"Authorization": "Bearer secret", "X-Shop": "1"}
    )
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        (one,) = outliers(snapshot, 1)
    assert 'in "item": "time.sleep(float(request.args.get("wait", "0")))"' in one.stacktrace
    assert one.url == "http://localhost/item/99?wait=0.2&token=abc"
    assert "X-Shop: 1" in one.headers
    assert "Authorization: [redacted]" in one.headers
    assert '"number": 99' in one.values
    assert "Bearer" not in one.headers + one.environment + one.values
    assert '"token": "[redacted]"' in one.values
    assert one.cpu_percent.startswith("[")
    assert "svmem" in one.memory
    assert "'REQUEST_METHOD': 'GET'" in one.environment


def test_a_profile_tells_computing_from_waiting(instrumented: Any) -> None:
    """30 ms busy, 30 ms sleep: each line within 5 points, the CPU on the busy one."""
    app, found, store = instrumented(monitor_level=3)
    client = app.test_client()
    for _ in range(25):
        client.get("/mixed")
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        (all_,) = [grouped_profile(snapshot, 1)]
        newest = profiles(snapshot, 1, limit=10)
    lines = {line.code: line for line in all_.lines}
    total = sum(lines[code].total_ms for code in ("busy(0.03)", "time.sleep(0.03)"))
    share = lines["busy(0.03)"].total_ms / total
    assert share == pytest.approx(0.5, abs=0.05)
    assert lines["busy(0.03)"].total_cpu_ms / lines["busy(0.03)"].total_ms > 0.85
    assert lines["time.sleep(0.03)"].total_cpu_ms / lines["time.sleep(0.03)"].total_ms < 0.15
    assert newest[0].lines[0].code == "def mixed() -> str:"
    assert newest[0].lines[0].indent == 0
    assert len(newest) == 10
    assert all_.profiled >= 20


def test_levels_follow_the_database(instrumented: Any) -> None:
    """A change in the dashboard takes effect within ten seconds, without a restart."""
    app, found, store = instrumented()
    client = app.test_client()
    client.get("/mixed")
    assert found.force_flush()
    set_monitor_level(store, 1, 3)

    def profiled() -> bool:
        client.get("/mixed")
        found.force_flush()
        with Reader(store).snapshot() as snapshot:
            return bool(profiles(snapshot, 1, limit=1))

    wait_for(profiled, 15)


def test_the_apps_own_exporters_get_every_span(
    instrumented: Any, kept: InMemorySpanExporter
) -> None:
    """Levels are applied by us: at level 0 the span still reaches the others."""
    app, found, store = instrumented(monitor_level=0)
    app.test_client().get("/item/1")
    found.force_flush()
    assert len(kept.get_finished_spans()) == 1
    with Reader(store).snapshot() as snapshot:
        assert requests(snapshot, Selection()).requests == []


def test_errors_of_group_by_do_not_reach_the_request(
    instrumented: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """They are counted, and logged once."""
    app, found, store = instrumented(group_by=lambda: 1 / 0)
    client = app.test_client()
    assert [client.get("/item/1").status_code for _ in range(5)] == [200] * 5
    assert found.force_flush()
    assert found.processor.errors == 5
    assert len([r for r in caplog.records if "group_by" in r.getMessage()]) == 1
    with Reader(store).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 5


def test_one_thread_watches_all_requests(instrumented: Any) -> None:
    """64 requests at once at level 3: one watcher, and every answer is right."""
    app, found, _ = instrumented(monitor_level=3)
    answers: list[int] = []

    def ask(number: int) -> None:
        answers.append(app.test_client().get(f"/item/{number}?wait=0.1").status_code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    watchers = [t for t in threading.enumerate() if t.name == "otel-fmd-watcher"]
    for thread in threads:
        thread.join()
    assert len(watchers) == 1
    assert answers == [200] * 64
    assert found.processor.errors == 0


def test_the_switch_interval_is_given_back(instrumented: Any) -> None:
    """It is lowered only while a profiled request runs."""
    import sys

    usual = sys.getswitchinterval()
    app, _, _ = instrumented(monitor_level=3)
    app.test_client().get("/mixed")
    assert sys.getswitchinterval() == usual


def test_uninstrumented_means_silent(instrumented: Any, kept: InMemorySpanExporter) -> None:
    """Afterwards no span is made, and the app goes on."""
    app, found, _ = instrumented()
    app.test_client().get("/item/1")
    found.uninstrument()
    assert app.test_client().get("/item/2").status_code == 200
    assert len(kept.get_finished_spans()) == 1
