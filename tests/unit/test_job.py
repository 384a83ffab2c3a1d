"""Jobs: called at an interval, woken, stopped in time, and alone where there is a lease."""

from __future__ import annotations

import ast
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otel_fmd import job as jobs
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.job import Job
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
OTHER_THREADS = {
    "otel_fmd/agent/watcher.py": "its pauses depend on what the last sleep cost",
    "otel_fmd/pipeline/pipeline.py": "it waits for its queue, not for an interval",
    "otel_fmd/otlp/http_server.py": "uvicorn's loop runs in the thread from start to end",
    "otel_fmd/serve.py": "they stop the servers side by side, once",
    "otel_fmd/demo/history.py": "the server loops itself",
}
"""Where a thread is no job, and why, as its module says."""


@pytest.fixture
def start() -> Iterator[Callable[..., Job]]:
    """Starts jobs, and stops them."""
    started: list[Job] = []

    def made(run: Callable[[], float | None], interval_s: float = 0.01, **options: object) -> Job:
        one = Job("test", run, interval_s, **options)  # type: ignore[arg-type]
        started.append(one)
        one.start()
        return one

    yield made
    for one in started:
        assert one.stop(10)


class Calls:
    """Counts calls, and answers or raises what it is given."""

    def __init__(self, *answers: float | Exception | None) -> None:
        self.times: list[float] = []
        self.threads: set[tuple[str, bool]] = set()
        self._answers = list(answers)

    def __call__(self) -> float | None:
        self.times.append(time.monotonic())
        thread = threading.current_thread()
        self.threads.add((thread.name, thread.daemon))
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_every_thread_is_a_job_or_says_why_not() -> None:
    """No loop of its own grows where nobody looks."""
    found = set()
    for path in (ROOT / "otel_fmd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "threading.Thread", "Thread", "threading.Timer", "Timer",
            ):  # fmt: skip
                found.add(str(path.relative_to(ROOT)))
    assert found == {"otel_fmd/job.py", *OTHER_THREADS}
    for path, reason in OTHER_THREADS.items():
        text = " ".join((ROOT / path).read_text().split())
        assert re.search("(no|not a) `Job`", text, re.IGNORECASE), path
        assert reason in text, path


def test_only_forks_listens_to_forks() -> None:
    """One hook calls whoever has something to make anew."""
    found = [
        path.name
        for path in (ROOT / "otel_fmd").rglob("*.py")
        if "register_at_fork(" in path.read_text()
    ]
    assert found == ["forks.py"]


def test_it_is_done_again_and_again(start: Callable[..., Job]) -> None:
    """In one daemon thread that bears its name, however often it is started."""
    calls = Calls()
    one = start(calls)
    one.start()
    wait_for(lambda: len(calls.times) > 5)
    assert calls.threads == {("otel-fmd-test", True)}
    assert sum(thread.name == "otel-fmd-test" for thread in threading.enumerate()) == 1


def test_its_function_says_when_it_is_done_next(start: Callable[..., Job]) -> None:
    """Sooner, when there is more to do; None is the interval."""
    calls = Calls(0.0, 0.0, 0.0, None)
    one = start(calls, 3_600, first_s=0.0)
    wait_for(lambda: len(calls.times) == 4)
    one.wake()
    wait_for(lambda: len(calls.times) == 5)
    assert one.stop(10)
    assert len(calls.times) == 5


def test_it_is_woken(start: Callable[..., Job]) -> None:
    """Before its time; and when it is being done, it is done once more."""
    calls = Calls()
    one = start(calls, 3_600)
    one.wake()
    wait_for(lambda: len(calls.times) == 1)
    entered, leave = threading.Event(), threading.Event()

    def slow() -> None:
        calls()
        entered.set()
        assert leave.wait(10)

    two = start(slow, 3_600, first_s=0.0)
    assert entered.wait(10)
    two.wake()
    leave.set()
    wait_for(lambda: len(calls.times) == 3)


def test_stopping_waits_no_longer_than_it_may(start: Callable[..., Job]) -> None:
    """For what is being done; and what was stopped does not start again."""
    entered, leave = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        assert leave.wait(10)

    one = start(slow, first_s=0.0)
    assert entered.wait(10)
    began = time.monotonic()
    assert not one.stop(0.05)
    assert 0.05 <= time.monotonic() - began < 5
    leave.set()
    assert one.stop(10)
    one.start()
    assert not any(thread.name == "otel-fmd-test" for thread in threading.enumerate())
    idle = Job("idle", Calls(), 3_600)
    assert idle.stop(0)
    idle.start()
    assert not idle.is_started


def test_a_job_may_stop_itself(start: Callable[..., Job]) -> None:
    """It does not wait for itself."""
    calls = Calls()
    holder: list[Job] = []

    def run() -> None:
        calls()
        assert holder[0].stop(3_600)

    holder.append(Job("test", run, 0.01))
    holder[0].start()
    wait_for(lambda: not any(t.name == "otel-fmd-test" for t in threading.enumerate()))
    assert len(calls.times) == 1


def test_an_error_is_said_and_it_goes_on(
    start: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    """With its name; once a minute; our own errors without a traceback."""
    calls = Calls(ValueError("first"), ValueError("second"), None)
    with caplog.at_level(logging.WARNING, jobs.__name__):
        start(calls, 0.01)
        wait_for(lambda: len(calls.times) > 4)
        start(Calls(StoreUnavailableError("away")), 0.01)
        wait_for(lambda: len(caplog.records) == 2)
    first, away = caplog.records
    assert first.getMessage() == "test failed, and will run again: first"
    assert first.exc_info
    assert away.getMessage() == "test failed, and will run again: away"
    assert not away.exc_info


def test_after_an_error_it_waits_as_long_as_it_should(start: Callable[..., Job]) -> None:
    """Longer than usual, where that is asked for."""
    calls = Calls(ValueError("no"))
    start(calls, 0.0, after_error_s=0.3)
    wait_for(lambda: len(calls.times) > 1)
    assert calls.times[1] - calls.times[0] >= 0.3


class Turns:
    """A lease that is given when it is said so."""

    def __init__(self) -> None:
        self.free = False
        self.asked = 0
        self.released = 0

    def acquire(self) -> bool:
        self.asked += 1
        return self.free

    def release(self) -> None:
        self.released += 1


def test_a_lease_is_asked_for_before_every_call() -> None:
    """It is not done without, and others may have it at the end."""
    calls, lease = Calls(), Turns()
    one = Job("test", calls, 0.01, lease=lease)
    one.start()
    wait_for(lambda: lease.asked > 3)
    assert not calls.times
    lease.free = True
    wait_for(lambda: len(calls.times) > 3)
    assert lease.asked > len(calls.times)
    assert one.stop(10)
    assert lease.released == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_child_has_a_job_that_was_not_started(start: Callable[..., Job]) -> None:
    """It can be started there; its parent's lock is not waited for."""
    calls = Calls()
    one = start(calls)
    stopped = Job("stopped", calls, 0.01)
    stopped.start()
    assert stopped.stop(10)
    wait_for(lambda: calls.times)
    reader, writer = os.pipe()
    with one._starting:
        child = os.fork()
        if child == 0:
            try:
                before = one.is_started
                calls.times.clear()
                one.start()
                wait_for(lambda: len(calls.times) > 2, 10)
                stopped.start()
                alone = [t.name for t in threading.enumerate()].count("otel-fmd-test") == 1
                gone = not any(t.name == "otel-fmd-stopped" for t in threading.enumerate())
                os.write(writer, bytes([before, alone, gone, one.stop(10)]))
            finally:
                os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        assert list(answer.read()) == [False, True, True, True]
    assert os.waitpid(child, 0)[1] == 0
