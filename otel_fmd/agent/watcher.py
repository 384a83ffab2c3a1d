"""The one thread of a process that watches running requests and samples their lines.

It ticks while there is something to watch (every 10 ms, or every sampling period while a request
is profiled), and sleeps when nothing was watched for a while. It never touches a request's objects.
Not a `Job`: its pauses depend on what the last sleep cost, and it must be able to sleep
indefinitely.
"""

from __future__ import annotations

import logging
import math
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from otel_fmd.agent.collector_pause import COLLECTOR_PAUSE
from otel_fmd.agent.watch import Due, Released, Watch
from otel_fmd.forks import on_fork
from otel_fmd.termination import leave_signals_to_others

resource: Any
try:
    import resource
except ModuleNotFoundError:  # not on Windows
    resource = None
_RUSAGE_THREAD: int | None = getattr(resource, "RUSAGE_THREAD", None)

_log = logging.getLogger(__name__)
_GRID_S = 0.01
_MOST_LATER = 1_000
_jitter = random.SystemRandom()
"""Not the global generator: in an app that seeds it, monitoring must not change the numbers."""
_IDLE_AFTER_S = 1.0
_MOST_OF_A_CORE = 0.045
"""The share of a core that watching may take, waking up included."""
_LATEST = 1 / 16
"""The weight of the latest round in the mean cost of a round."""
_SHARED_S = 0.001
"""The lowest switch interval while other requests run, which would pay for less."""
_OTHERS = 0.3
"""The share of a core that other threads may use before the watcher spares them."""
_FEW = 4
"""This many requests are sampled without checking the time in between."""
_LOOKING = 0.025
"""The share of time that sampling may take; what does not fit into a tick waits for the next."""


def _waits() -> int:
    """How often this thread has waited for anything; 0 if unknown."""
    if _RUSAGE_THREAD is None:
        return 0
    found: int = resource.getrusage(_RUSAGE_THREAD).ru_nvcsw
    return found


class Watcher:
    """Watches the requests of one process.

    Args:
        period_ms: the profiler's period.
        switch_interval_ms: the interpreter's switch interval while one profiled request runs; 0
            leaves it alone.
    """

    def __init__(self, period_ms: float, switch_interval_ms: float) -> None:
        self._period_s = period_ms / 1000
        self._switch_s = switch_interval_ms / 1000
        self._usual_s = 0.0
        self._reset()
        on_fork(self._after_fork)

    def _after_fork(self) -> None:
        self._give_back()
        self._reset()

    def _reset(self) -> None:
        self._watched: dict[int, Watch] = {}
        self._profiled: dict[int, Watch] = {}
        self._later: deque[Callable[[], None]] = deque()
        self._lowered_from_s = 0.0
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._asleep = False
        self._starting = threading.Lock()
        self._finishing = threading.Lock()
        self._stopped = False
        self._turn = 0
        self._cost_s = 0.0
        self._due: Due | None = None
        self.released = Released()
        self._others_s, self._others_compute, self._alone = 0.0, False, 0

    def add(self, watch: Watch) -> None:
        """Watch a request from now on."""
        self._watched[id(watch)] = watch
        if watch.profiled:
            self._profiled[id(watch)] = watch
            self._set_switch_interval()
        elif self._lowered_from_s:
            self._set_switch_interval()
        if self._thread is None:
            self._start()
        elif self._asleep:
            self._wake.set()

    def remove(self, watch: Watch) -> None:
        """Stop watching it."""
        if self._watched.pop(id(watch), None) is not None and watch.profiled:
            self._profiled.pop(id(watch), None)
            self._set_switch_interval()

    def later(self, job: Callable[[], None]) -> bool:
        """Have the watcher thread run it, within milliseconds; False: its queue is full."""
        if self._stopped or len(self._later) >= _MOST_LATER:
            return False
        self._later.append(job)
        if self._thread is None:
            self._start()
        elif self._asleep:
            self._wake.set()
        return True

    def finish_all(self) -> None:
        """Run now what `later` queued, in the calling thread."""
        while self._finish_one():
            pass

    def _finish_one(self) -> bool:
        # Held while one is done, so that `finish_all` returns when none is.
        with self._finishing:
            if not self._later:
                return False
            job = self._later.popleft()
            try:
                job()
            except Exception:
                _log.exception("a request could not be finished")
            return True

    def stop(self) -> None:
        """End the thread; requests are no longer watched."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1)

    def _set_switch_interval(self) -> None:
        """Lower it only for a single profiled request: competing threads would pay for it.

        Without a lock, which threads would hand around at every request: where two calls cross,
        the next look of the watching thread puts it right.
        """
        if not self._switch_s:
            return
        if len(self._profiled) == 1:
            wanted_s = self._switch_s
            if len(self._watched) > 1 or self._others_compute:
                wanted_s = max(wanted_s, _SHARED_S)
            now_s = sys.getswitchinterval()
            usual_s = self._lowered_from_s or now_s
            if wanted_s < usual_s and not math.isclose(now_s, wanted_s, abs_tol=2e-6):
                # In this order: another thread, or a child forked in between, never finds it
                # lowered without knowing the usual value.
                self._usual_s = usual_s
                sys.setswitchinterval(wanted_s)
                self._lowered_from_s = usual_s
        elif self._lowered_from_s:
            usual_s, self._lowered_from_s = self._lowered_from_s, 0.0
            if usual_s:
                sys.setswitchinterval(usual_s)

    def _give_back(self) -> None:
        """In a forked child: restore the interval that its parent had lowered."""
        now_s = sys.getswitchinterval()
        ours = (self._switch_s, max(self._switch_s, _SHARED_S))
        if self._usual_s and any(math.isclose(now_s, one, abs_tol=2e-6) for one in ours):
            sys.setswitchinterval(self._usual_s)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(
                    target=self._run, name="otel-fmd-watcher", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        leave_signals_to_others()
        used = time.monotonic()
        spent_s = time.thread_time()
        while not self._stopped:
            self._set_switch_interval()
            if self._later:
                used = time.monotonic()
                # One at a time while lines are sampled: samples must not be late.
                while self._finish_one() and not self._profiled:
                    pass
            if self._watched:
                used = time.monotonic()
            elif time.monotonic() - used > _IDLE_AFTER_S:
                self._asleep = True
                if not self._watched and not self._later:
                    self._wake.wait()
                self._asleep = False
                self._wake.clear()
                used = time.monotonic()
                # The first sample comes after a random part of the period, or short requests would
                # always be seen at the same place.
                time.sleep(self._period_s * _jitter.random())
                self._due = None
            else:
                time.sleep(_GRID_S)
                self._due = None
                continue
            try:
                self._look()
            except Exception:
                # A failed sample must not end the watching; it does not affect the request.
                _log.exception("watching requests failed")
            before_s, spent_s = spent_s, time.thread_time()
            tick_s = self._period_s if self._profiled else _GRID_S
            pause_s = self._pause_s(tick_s, spent_s - before_s)
            waits, due_s = _waits(), time.perf_counter() + pause_s
            time.sleep(pause_s)
            # Once for the sleep; more often when another thread held the interpreter's lock.
            if _waits() - waits <= 1:
                self._due = Due.FREE
            elif time.perf_counter() - due_s < sys.getswitchinterval():
                self._due = Due.LET_GO
            else:
                self._due = Due.HELD
            self._note_others(pause_s)

    def _pause_s(self, tick_s: float, cost_s: float) -> float:
        """How long to sleep after a round that took so much of a core.

        Neither a fixed period nor one that a single round's cost sets: a profile is built when a
        request ends, so requests one after another would be seen at the same places again and again
        (a line that takes 60 % of them was shown as 23 to 32 %).
        """
        self._cost_s += (cost_s - self._cost_s) * _LATEST
        pause_s = max(tick_s, self._cost_s / _MOST_OF_A_CORE)
        return pause_s * (0.5 + _jitter.random())

    def _note_others(self, wall_s: float) -> None:
        """Whether other threads of the process compute: they would pay for switches."""
        spent_s = time.process_time() - time.thread_time()
        for watch in list(self._profiled.values()):
            spent_s -= watch.cpu_ns() / 1e9
        before_s, self._others_s = self._others_s, spent_s
        one = next(iter(self._profiled), 0)
        is_same, self._alone = one == self._alone, one
        if is_same and one:
            self._others_compute = spent_s - before_s > _OTHERS * wall_s

    def _look(self) -> None:
        """Sample each request, or as many as the tick has time for, in turns."""
        now_ns = time.perf_counter_ns()
        wanted = [watch for watch in list(self._watched.values()) if watch.is_due(now_ns)]
        if wanted:
            with COLLECTOR_PAUSE:
                self._look_at(wanted, now_ns)

    def _look_at(self, wanted: list[Watch], now_ns: int) -> None:
        frames = sys._current_frames()
        number = len(wanted)
        # With several threads it is unknown which one had the lock.
        due = self._due if len(self._watched) == 1 else None
        if number <= _FEW:
            for watch in wanted:
                watch.look(frames, now_ns, due, self.released)
            return
        tick_s = self._period_s if self._profiled else _GRID_S
        spent_ns = time.thread_time_ns()
        end_ns = spent_ns + int(tick_s * _LOOKING * 1e9)
        first = self._turn % number
        for place in range(number):
            wanted[(first + place) % number].look(frames, now_ns, due, self.released)
            before_ns, spent_ns = spent_ns, time.thread_time_ns()
            # Another sample takes about as long as this one did.
            if 2 * spent_ns - before_ns > end_ns:
                self._turn = first + place + 1
                return
        self._turn = 0
