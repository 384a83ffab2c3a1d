"""The watching thread: the switch interval, and what it reads of the machine."""

from __future__ import annotations

import json
import os
import statistics
import sys

import pytest

from otel_fmd.agent.watch import Watch, _Machine
from otel_fmd.agent.watcher import Watcher


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("noted", [True, False], ids=["lowered", "about to be noted"])
def test_a_child_forked_within_a_profiled_request_has_the_usual_interval(noted: bool) -> None:
    """At any moment: nobody in the child would raise it again."""
    usual = sys.getswitchinterval()
    watcher = Watcher(5.0, 0.5)
    watch = Watch(
        test_a_child_forked_within_a_profiled_request_has_the_usual_interval.__code__,
        {},
        float("inf"),
        profiled=True,
    )
    watcher.add(watch)
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    if not noted:
        watcher._lowered_from_s = 0.0
    child = os.fork()
    if child == 0:
        os._exit(0 if sys.getswitchinterval() == pytest.approx(usual) else 1)
    _, status = os.waitpid(child, 0)
    watcher._lowered_from_s = usual
    watcher.remove(watch)
    watcher.stop()
    assert os.waitstatus_to_exitcode(status) == 0
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_the_machine_is_measured_every_tenth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that are slow together share a reading; psutil's of a shorter time say nothing."""
    now = 1000.0
    monkeypatch.setattr("otel_fmd.agent.watch.time.monotonic", lambda: now)
    machine = _Machine()
    cpu, memory = machine.read()
    assert len(json.loads(cpu)) == os.cpu_count()
    assert "total=" in memory
    monkeypatch.setattr("otel_fmd.agent.watch.psutil.cpu_percent", lambda percpu: [1.5])
    now += 0.05
    assert machine.read() == (cpu, memory)
    now += 0.06
    assert machine.read()[0] == "[1.5]"


def test_pauses_are_no_grid_and_do_not_follow_the_end_of_a_request() -> None:
    """A profile is built at a request's end.

    A pause set by that alone looks where it looked before, and a line that takes 60 % of requests
    in a row is found with 23 to 32.
    """
    watcher = Watcher(5.0, 0.5)
    costs = [0.0, 0.0, 0.0, 0.002] * 2_000
    pauses = [watcher._pause_s(0.005, cost) for cost in costs][400:]
    after_a_build, after_nothing = pauses[3::4], pauses[0::4]
    assert statistics.fmean(pauses) == pytest.approx(0.0005 / 0.045, rel=0.05), "a share of a core"
    assert statistics.fmean(after_a_build) == pytest.approx(
        statistics.fmean(after_nothing), rel=0.15
    )
    assert statistics.stdev(after_a_build) > 0.2 * statistics.fmean(after_a_build)
    idle = Watcher(5.0, 0.5)
    assert 0.0025 <= min(idle._pause_s(0.005, 0.0) for _ in range(100)) < 0.004
