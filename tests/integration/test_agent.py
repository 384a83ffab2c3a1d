"""The agent in a Flask app: names, levels, outlier snapshots, profiles; it never harms the app."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, request, stream_with_context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_fmd
from otel_fmd.agent.watch import cpu_clock_of
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
        times = [time.perf_counter()]
        busy(0.03)
        times.append(time.perf_counter())
        time.sleep(0.03)
        return " ".join(str(one) for one in (*times, time.perf_counter()))

    @shop.route("/item/<int:number>", methods=["GET", "POST"])
    def item(number: int) -> str:
        time.sleep(float(request.args.get("wait", "0")))
        return str(number)

    @shop.route("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            for number in range(4):
                time.sleep(0.02)
                yield str(number)

        if request.args.get("fail"):
            return Response(broken())
        body = parts()
        return Response(stream_with_context(body) if request.args.get("context") else body)

    def broken() -> Iterator[str]:
        yield "x"
        raise ValueError("in the body")

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
    assert one.url == "http://localhost/item/99?wait=0.2&token=[redacted]"
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
    spent = {"busy": 0.0, "all": 0.0}  # A busy machine makes 30 ms of computing take longer.
    for _ in range(25):
        times = [float(one) for one in client.get("/mixed").text.split()]
        spent["busy"] += times[1] - times[0]
        spent["all"] += times[2] - times[0]
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        (all_,) = [grouped_profile(snapshot, 1)]
        newest = profiles(snapshot, 1, limit=10)
    lines = {line.code: line for line in all_.lines}
    total = sum(lines[code].total_ms for code in ("busy(0.03)", "time.sleep(0.03)"))
    share = lines["busy(0.03)"].total_ms / total
    assert share == pytest.approx(spent["busy"] / spent["all"], abs=0.05)
    assert lines["busy(0.03)"].total_cpu_ms == pytest.approx(25 * 30, rel=0.15)
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
    assert len([r for r in caplog.records if "group_by failed" in r.getMessage()]) == 1
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
    """Afterwards no span is made, the app goes on, and functions of its own stay."""
    app, found, _ = instrumented()
    own = list(app.after_request_funcs.get(None, ()))
    app.test_client().get("/item/1")
    found.uninstrument()
    assert app.after_request_funcs[None] == own
    assert app.test_client().get("/item/2").status_code == 200
    assert len(kept.get_finished_spans()) == 1


@pytest.mark.parametrize("path", ["/stream", "/stream?context=1"])
def test_a_streamed_body_is_a_span_of_its_own_with_its_profile(
    instrumented: Any, kept: InMemorySpanExporter, path: str
) -> None:
    """A child of the request's span, as long as the body took; stored as an endpoint's request."""
    app, found, store = instrumented(monitor_level=3)
    assert app.test_client().get(path).text == "0123"
    assert found.force_flush()
    outer, body = kept.get_finished_spans()
    assert body.parent is not None
    assert outer.context is not None
    assert body.parent.span_id == outer.context.span_id
    with Reader(store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        assert set(ids) == {"shop.stream", "shop.stream (body)"}
        (one,) = profiles(snapshot, ids["shop.stream (body)"])
    assert one.request.duration >= 80
    lines = {line.code: line.duration_ms for line in one.lines}
    assert lines["time.sleep(0.02)"] > 50


def test_a_body_that_fails_fails_as_before(instrumented: Any) -> None:
    """Its error reaches the server, and is noted on the span; closing it early ends the span."""
    app, found, store = instrumented()
    with pytest.raises(ValueError, match="in the body"):
        app.test_client().get("/stream?fail=1").get_data()
    answer = app.test_client().get("/stream", buffered=False)
    next(iter(answer.response))
    answer.close()
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        bodies = requests(snapshot, Selection(endpoint_ids=[ids["shop.stream (body)"]])).requests
    assert [one.status_code for one in bodies] == [None, 500]
    assert found.processor.errors == 0


def test_async_views_are_profiled_in_their_own_thread(instrumented: Any) -> None:
    """Computing and waiting of a coroutine, and the stack of one that is slow."""
    import asyncio

    app, found, store = instrumented(monitor_level=3, outlier_min_requests=5)

    async def nap(seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def mixed() -> str:
        busy(0.03)
        await nap(float(request.args.get("wait", "0.03")))
        return "x"

    app.add_url_rule("/async", "async", mixed)
    client = app.test_client()
    # A thread of its own: browser tests leave an event loop running in the main one.
    with ThreadPoolExecutor(1) as pool:
        for answer in pool.map(client.get, ["/async"] * 20 + ["/async?wait=0.4"]):
            assert answer.text == "x"
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        merged = grouped_profile(snapshot, 1)
        (slow,) = outliers(snapshot, 1)
    lines = {line.code: line for line in merged.lines}
    assert lines["busy(0.03)"].total_cpu_ms == pytest.approx(21 * 30, rel=0.15)
    assert lines["await asyncio.sleep(seconds)"].total_ms > 500
    assert 'in "nap": "await asyncio.sleep(seconds)"' in slow.stacktrace
    assert found.processor.errors == 0


def test_watching_many_requests_takes_little_of_a_core(
    instrumented: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """64 at once, deep in their stacks: fewer samples a request, and each is still hit."""
    app, found, store = instrumented(monitor_level=3)

    def down(levels: int) -> None:
        if levels:
            down(levels - 1)
        else:
            time.sleep(1.5)

    app.add_url_rule("/deep", "deep", lambda: (down(30), "x")[1])
    threads = [threading.Thread(target=app.test_client().get, args=("/deep",)) for _ in range(64)]
    for thread in threads:
        thread.start()
    watcher = next(t for t in threading.enumerate() if t.name == "otel-fmd-watcher")
    assert watcher.native_id is not None
    clock = cpu_clock_of(watcher.native_id)
    began, cpu = time.perf_counter(), time.clock_gettime(clock)
    time.sleep(1)
    share = (time.clock_gettime(clock) - cpu) / (time.perf_counter() - began)
    for thread in threads:
        thread.join()
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        newest = profiles(snapshot, 1, limit=64)
    samples = [one.samples for one in newest]
    with capsys.disabled():
        print(
            f"\n64 requests at once: the watcher took {100 * share:.1f} % of a core, "
            f"{min(samples)} to {max(samples)} samples a request"
        )
    assert len(newest) == 64
    assert min(samples) >= 3


def test_one_processor_watches_all_apps_of_a_provider(tmp_path: Path) -> None:
    """As with app factories: no request is stored twice."""
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    first, second = make_app(), make_app()
    one = otel_fmd.instrument(first, database_url=url, tracer_provider=provider)
    other = otel_fmd.instrument(second, database_url=url, tracer_provider=provider)
    assert one.processor is other.processor
    first.test_client().get("/item/1")
    second.test_client().get("/item/2")
    assert one.force_flush()
    with Reader(Store(url)).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 2
    one.uninstrument()


def test_the_version_is_that_of_the_app_or_of_its_git_folder(instrumented: Any) -> None:
    """When the resource of a provider that the app made itself has none."""
    app, found, store = instrumented(app_version="1.7")
    app.test_client().get("/item/1")
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        (one,) = requests(snapshot, Selection()).requests
    assert one.version == "1.7"


def test_a_sampler_that_hides_requests_is_warned_of(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """At start, with what to do."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, TraceIdRatioBased

    for sampler, said in ((TraceIdRatioBased(0.1), 1), (ALWAYS_ON, 0)):
        caplog.clear()
        provider = TracerProvider(sampler=sampler)
        url = f"sqlite:///{tmp_path / 'fmd.db'}"
        otel_fmd.instrument(Flask("x"), database_url=url, tracer_provider=provider).uninstrument()
        warnings = [r for r in caplog.records if "OTEL_TRACES_SAMPLER=always_on" in r.getMessage()]
        assert len(warnings) == said


def test_headers_and_environment_can_be_left_out(instrumented: Any) -> None:
    """And further names made secrets."""
    app, found, store = instrumented(
        outlier_min_requests=3, keep_headers=False, keep_environ=False, redact=("wait",)
    )
    client = app.test_client()
    for _ in range(5):
        client.get("/item/1?wait=0.001")
    client.get("/item/1?wait=0.15", headers={"X-Shop": "1"})
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        one = outliers(snapshot, 1)[0]
    assert (one.headers, one.environment) == ("", "")
    assert one.url == "http://localhost/item/1?wait=[redacted]"
