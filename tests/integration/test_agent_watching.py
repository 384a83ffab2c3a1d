"""Outlier snapshots and profiles of running requests, by one thread."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import request

from otel_fmd.agent.watch import cpu_clock_of
from otel_fmd.queries.outliers import outliers
from otel_fmd.queries.profiles import grouped_profile, profiles
from otel_fmd.queries.snapshot import Reader
from tests.support.shop import busy


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
        # A busy machine may make another one slow as well.
        (one,) = [outlier for outlier in outliers(snapshot, 1) if "/item/99?" in outlier.url]
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


def test_one_thread_watches_all_requests(instrumented: Any) -> None:
    """64 requests at once at level 3: one watcher, and every answer is right."""
    before = threading.enumerate()
    app, found, _ = instrumented(monitor_level=3)
    answers: list[int] = []

    def ask(number: int) -> None:
        answers.append(app.test_client().get(f"/item/{number}?wait=0.1").status_code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    watchers = [
        thread
        for thread in threading.enumerate()
        if thread.name == "otel-fmd-watcher" and thread not in before
    ]
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
