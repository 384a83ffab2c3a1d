"""One running request that is watched, and what was seen of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
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
from otel_fmd.spans.profile import Profile

psutil: Any
try:
    import psutil
except ModuleNotFoundError:  # It is no light dependency: outliers do without CPU and memory.
    psutil = None

HAS_CPU_CLOCK = sys.platform == "linux"
_MOST_SAMPLES = 2_000
"""Beyond, every second one is given up, and half as many are taken from then on."""
_MACHINE_S = 0.1
Frames = Mapping[int, FrameType]


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
        self.samples: list[tuple[int, int, RawStack | None]] = []
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

    def look(self, frames: Frames, now_ns: int) -> None:
        """One look by the watching thread."""
        frame = frames.get(self.ident)
        late = self.snapshot is None and now_ns >= self.deadline_ns
        if frame is None or not (self.profiled or late):
            if late:
                self.snapshot = take_snapshot((), self.environ)
            return
        raw = self._raw(frame, frames)
        if self.profiled:
            self._add_sample(raw)
        if late:
            self.snapshot = take_snapshot(lines_of(raw or whole_stack(frame)), self.environ)

    def profile(self) -> Profile | None:
        """What the samples tell; None when there are none."""
        if not self.samples or self.code is None:
            return None
        begin = Sample(self.begin_ns, self.begin_cpu_ns, None)
        end = Sample(self.end_ns, self.end_cpu_ns, None)
        paths: dict[int, Path | None] = {}
        samples = []
        for wall, cpu, raw in self.samples:
            key = id(raw)
            if key not in paths:
                paths[key] = None if raw is None else without_framework(lines_of(raw)) or None
            samples.append(Sample(wall, cpu, paths[key]))
        return build_profile(samples, begin, end, self.code, has_cpu=HAS_CPU_CLOCK)

    def _add_sample(self, raw: RawStack | None) -> None:
        samples = self.samples
        if samples and samples[-1][2] == raw:
            raw = samples[-1][2]  # where a request waits, one stack stands for many looks
        samples.append((time.perf_counter_ns(), self.cpu_ns(), raw))
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
    """CPU per core and memory of the machine, as psutil tells them."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._found = "", ""

    def read(self) -> tuple[str, str]:
        """As FMD stores them; '' without psutil.

        Measured anew after 0.1 s: psutil's CPU percentages of less say nothing, and requests that
        are slow together are slow for one reason.
        """
        now = time.monotonic()
        if psutil is not None and now - self._read_at >= _MACHINE_S:
            self._read_at = now
            self._found = str(psutil.cpu_percent(percpu=True)), str(psutil.virtual_memory())
        return self._found


_machine = _Machine()
