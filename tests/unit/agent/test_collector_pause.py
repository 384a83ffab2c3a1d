"""Nothing is collected while stacks are read, and the collector is left as it was."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from otel_fmd.agent.collector_pause import CollectorPause

DEEP = """
import gc, sys, threading, time
from otel_fmd.agent.watch import Watch
from otel_fmd.agent.watcher import Watcher

class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        time.sleep(0.0003)

def endpoint(depth):
    return deep(depth)

def deep(depth):
    if depth:
        return deep(depth - 1)
    for _ in range(300):
        pass

watcher = Watcher(1.0, 0.1)
read = watcher._look_at

def look(*given):
    Cycle()
    read(*given)

watcher._look_at = look
watch = Watch(endpoint.__code__, {}, float("inf"), profiled=True)
watcher.add(watch)
gc.set_threshold(25)
turn, end = 0, time.monotonic() + 4
while time.monotonic() < end:
    turn += 1
    endpoint(3 + turn * 37 % 600)
watcher.remove(watch)
watcher.stop()
print(len(watch.samples), gc.get_threshold()[0])
"""


@pytest.fixture(autouse=True)
def threshold() -> Iterator[tuple[int, int, int]]:
    """The collector's thresholds are put back after each test."""
    kept = gc.get_threshold()
    yield kept
    gc.set_threshold(*kept)


def test_a_thread_is_watched_whose_stack_changes_while_finalizers_run() -> None:
    """Without the pause, Python 3.11 ends with a segmentation fault within a second."""
    done = subprocess.run(
        [sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    samples, first = map(int, done.stdout.split())
    assert samples > 100
    assert first == 25


def test_thresholds_are_put_back_after_the_last_thread_has_left(
    threshold: tuple[int, int, int],
) -> None:
    """Two threads that overlap: neither restores what the other has set."""
    pause = CollectorPause(is_needed=True)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with pause:
            inside.set()
            leave.wait(30)

    other = threading.Thread(target=stay)
    with pause:
        other.start()
        assert inside.wait(30)
    assert gc.get_threshold()[0] > 1_000_000
    leave.set()
    other.join(30)
    assert gc.get_threshold() == threshold


def test_what_the_application_sets_meanwhile_stays() -> None:
    """Its own choice is not replaced by the one before."""
    with CollectorPause(is_needed=True):
        gc.set_threshold(123, 4, 5)
    assert gc.get_threshold() == (123, 4, 5)


def test_an_error_inside_leaves_the_pause(threshold: tuple[int, int, int]) -> None:
    """A sample that fails must not switch the collector off."""
    with pytest.raises(ZeroDivisionError), CollectorPause(is_needed=True):
        _ = 1 / 0
    assert gc.get_threshold() == threshold


def test_nothing_is_changed_where_python_collects_later(threshold: tuple[int, int, int]) -> None:
    """From Python 3.12 on."""
    with CollectorPause(is_needed=False):
        assert gc.get_threshold() == threshold


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_forked_inside_collects_as_before(threshold: tuple[int, int, int]) -> None:
    """The thread that would put it back is not in the child."""
    pause = CollectorPause(is_needed=True)
    with pause:
        child = os.fork()
        if child == 0:
            os._exit(0 if gc.get_threshold() == threshold else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
