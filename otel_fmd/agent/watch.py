"""One running request that is watched, and what was seen of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from enum import Enum
from types import CodeType, FrameType
from typing import Any, NamedTuple

from otel_fmd.agent.profiler import Sample, build_profile
from otel_fmd.agent.stack import (
    AsyncView,
    Path,
    RawStack,
    is_async,
    lines_of,
    stack_of,
    stack_text,
    whole_stack,
    without_framework,
)
from otel_fmd.requests.profile import Profile

psutil: Any
try:
    import psutil
except ModuleNotFoundError:  # It is no light dependency: outliers do without CPU and memory.
    psutil = None

HAS_CPU_CLOCK = sys.platform == "linux"
_MOST_SAMPLES = 2_000
"""Beyond, every second one is given up, and half as many are taken from then on."""
_MACHINE_S = 0.1
_MOST_RELEASED = 4_096
_LEAST_FREE, _RELEASED_SHARE = 2, 0.05
Frames = Mapping[int, FrameType]


class Due(Enum):
    """Whether a thread had the interpreter's lock when a sample of it was due.

    FREE: no thread had it: this one waited where it is seen, or ran without the lock there. LET_GO:
    it computed, and has since released the lock by itself, at the line where it is seen. HELD: it
    computed, and released the lock by itself or because the watcher requested it.
    """

    FREE = 0
    LET_GO = 1
    HELD = 2


class Released:
    """Instructions at which threads release the interpreter's lock by themselves: queries, files.

    A thread stopped anywhere may be mistaken for one that released it, about once in a hundred
    samples, so the share of samples decides.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[CodeType, int], list[int]] = {}

    def learn(self, raw: RawStack | None, due: Due | None) -> None:
        """Note where a thread was seen, and whether it had the lock when the look was due."""
        if not raw or due is None:
            return
        place = raw[0], raw[1]
        found = self._places.get(place)
        if found is None:
            if len(self._places) >= _MOST_RELEASED:
                return
            found = self._places[place] = [0, 0]
        found[due is Due.HELD] += 1

    def computed_before(self, raw: RawStack | None, due: Due | None) -> bool:
        """Whether the thread computed elsewhere when the look was due."""
        if not raw or due is None or due is Due.FREE:
            return False
        if due is Due.LET_GO:
            return True
        free, held = self._places.get((raw[0], raw[1]), (0, 0))
        return free >= _LEAST_FREE and free >= _RELEASED_SHARE * (free + held)


class Snapshot(NamedTuple):
    """What the watching thread saw when a request had crossed its threshold."""

    stack: str
    cpu_percent: str
    memory: str
    environ: Mapping[str, Any]


class Watch:
    """A request from its start to its end, made by its own thread.

    Args:
        code: the endpoint's function; None when it is not known.
        environ: the WSGI environment, copied when needed.
        threshold_ns: the duration above which it is an outlier; infinite: never.
        profiled: whether its lines are sampled.
    """

    __slots__ = (
        "_async",
        "_stride",
        "_turn",
        "begin_cpu_ns",
        "begin_ns",
        "body_code",
        "clock",
        "code",
        "deadline_ns",
        "end_cpu_ns",
        "end_ns",
        "environ",
        "ident",
        "profiled",
        "samples",
        "snapshot",
    )

    def __init__(
        self,
        code: CodeType | None,
        environ: Mapping[str, Any],
        threshold_ns: float,
        profiled: bool,
    ) -> None:
        self.ident = threading.get_ident()
        self.code = code
        self.environ = environ
        self.profiled = profiled and code is not None
        self.samples: list[tuple[int, int, RawStack | None, Due | None]] = []
        self.snapshot: Snapshot | None = None
        self.body_code: CodeType | None = None
        self._turn, self._stride = 0, 1
        self.end_ns = self.end_cpu_ns = 0
        self._async = AsyncView(code) if code is not None and is_async(code) else None
        self.clock: int | None = None
        self.begin_cpu_ns = 0
        # An async view computes in a thread that is not there yet.
        if self.profiled and HAS_CPU_CLOCK and self._async is None:
            self.clock = cpu_clock_of(threading.get_native_id())
            self.begin_cpu_ns = self.cpu_ns()
        self.begin_ns = time.perf_counter_ns()
        self.deadline_ns = self.begin_ns + threshold_ns

    def cpu_ns(self) -> int:
        """The thread's CPU clock now; 0 where it has none."""
        if self.clock is None:
            return 0
        try:
            return time.clock_gettime_ns(self.clock)
        except OSError:  # The thread of an async view has ended; its last time holds.
            return self.samples[-1][1] if self.samples else 0

    def end(self) -> None:
        """The request has ended; called by its own thread, before anything else is done."""
        self.end_ns = time.perf_counter_ns()
        if self.profiled:
            self.end_cpu_ns = self.cpu_ns()

    @property
    def is_late(self) -> bool:
        """Whether the request, which has ended, took longer than its threshold."""
        return self.snapshot is not None or self.end_ns > self.deadline_ns

    def to_body(self, code: CodeType | None) -> None:
        """The view has returned a body that is streamed, made by a generator of this code."""
        self.body_code = code
        self._async = None
        if self.code is None and code is not None:
            self.code = code

    def resume(self) -> None:
        """The body is iterated by the thread that calls."""
        ident = threading.get_ident()
        if ident != self.ident:
            self.ident = ident
            self.clock = None

    def is_due(self, now_ns: int) -> bool:
        """Whether there is anything to look at."""
        if self.profiled:
            self._turn += 1
            if self._turn % self._stride == 0:
                return True
        return self.snapshot is None and now_ns >= self.deadline_ns

    def look(self, frames: Frames, now_ns: int, due: Due | None, released: Released) -> None:
        """One sample by the watcher thread.

        Args:
            frames: the frames of all threads.
            now_ns: the time of the sample.
            due: who had the interpreter's lock when it was due; None: unknown.
            released: where threads release it by themselves.
        """
        frame = frames.get(self.ident)
        late = self.snapshot is None and now_ns >= self.deadline_ns
        if frame is None or not (self.profiled or late):
            if late:
                self.snapshot = take_snapshot((), self.environ)
            return
        raw = self._raw(frame, frames)
        if self.profiled:
            released.learn(raw, due)
            self._add_sample(raw, due)
        if late:
            self.snapshot = take_snapshot(lines_of(raw or whole_stack(frame)), self.environ)

    def profile(self, released: Released) -> Profile | None:
        """The profile from the samples; None if there are none."""
        if not self.samples or self.code is None:
            return None
        begin = Sample(self.begin_ns, self.begin_cpu_ns, None)
        end = Sample(self.end_ns, self.end_cpu_ns, None)
        paths: dict[int, Path | None] = {}
        samples = []
        for wall, cpu, raw, due in self.samples:
            key = id(raw)
            if key not in paths:
                paths[key] = None if raw is None else without_framework(lines_of(raw)) or None
            released_lock = released.computed_before(raw, due)
            samples.append(Sample(wall, cpu, paths[key], released_lock))
        return build_profile(samples, begin, end, self.code, has_cpu=HAS_CPU_CLOCK)

    def _add_sample(self, raw: RawStack | None, due: Due | None) -> None:
        samples = self.samples
        if samples and samples[-1][2] == raw:
            raw = samples[-1][2]  # where a request waits, one stack stands for many looks
        samples.append((time.perf_counter_ns(), self.cpu_ns(), raw, due))
        if len(samples) >= _MOST_SAMPLES:
            self.samples = samples[::2]
            self._stride *= 2

    def _raw(self, frame: FrameType, frames: Frames) -> RawStack | None:
        if self.code is None:
            return None
        if self._async is None:
            return stack_of(frame, self.body_code or self.code)
        found = self._async.stack(frame, frames)
        if self.profiled and self.clock is None and HAS_CPU_CLOCK and self._async.native_id:
            self.clock = cpu_clock_of(self._async.native_id)
        return found


def cpu_clock_of(native_id: int) -> int:
    """The clock id of a thread's CPU time, for `time.clock_gettime_ns`.

    `time.pthread_getcpuclockid` needs a handle that is valid: for a thread that ended, or a
    greenlet, it reads memory that is not its own. The kernel's own form is safe with any number.
    Source: clock_getcpuclockid(3) and `MAKE_THREAD_CPUCLOCK` in Linux' posix-timers.
    """
    return (~native_id << 3) | 6


def take_snapshot(lines: Path, environ: Mapping[str, Any]) -> Snapshot:
    """The stack, CPU per core, memory, and a copy of the environment."""
    return Snapshot(stack_text(lines), *_machine.read(), dict(environ))


class _Machine:
    """CPU per core and memory of the machine, from psutil."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._found = "", ""

    def read(self) -> tuple[str, str]:
        """As FMD stores them; '' without psutil.

        Measured at most every 0.1 s: psutil's CPU percentages over less mean nothing, and requests
        that are slow at the same time are slow for the same reason.
        """
        now = time.monotonic()
        if psutil is not None and now - self._read_at >= _MACHINE_S:
            self._read_at = now
            self._found = str(psutil.cpu_percent(percpu=True)), str(psutil.virtual_memory())
        return self._found


_machine = _Machine()
