"""One running request that is watched, and what was seen of it."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any, NamedTuple

from otel_fmd.agent.profiler import Sample, path_of

psutil: Any
try:
    import psutil
except ModuleNotFoundError:  # It is no light dependency: outliers do without CPU and memory.
    psutil = None

HAS_CPU_CLOCK = hasattr(time, "pthread_getcpuclockid") and sys.platform == "linux"
_MOST_SAMPLES = 20_000


class Snapshot(NamedTuple):
    """What the watching thread saw when a request had crossed its threshold."""

    stack: str
    cpu_percent: str
    memory: str
    environ: Mapping[str, Any]


class Watch:
    """A request from its start to its end.

    Args:
        code: the endpoint's function; None when it is not known.
        environ: the WSGI environment, copied when needed.
        threshold_ns: the duration above which it is an outlier; infinite: never.
        profiled: whether its lines are sampled.
    """

    __slots__ = (
        "begin",
        "clock",
        "code",
        "deadline_ns",
        "environ",
        "ident",
        "profiled",
        "samples",
        "snapshot",
        "threshold_ns",
    )

    def __init__(
        self,
        ident: int,
        code: CodeType | None,
        environ: Mapping[str, Any],
        threshold_ns: float,
        profiled: bool,
    ) -> None:
        self.ident = ident
        self.code = code
        self.environ = environ
        self.threshold_ns = threshold_ns
        self.profiled = profiled and code is not None
        self.samples: list[Sample] = []
        self.snapshot: Snapshot | None = None
        self.clock = time.pthread_getcpuclockid(ident) if self.profiled and HAS_CPU_CLOCK else None
        self.begin = self.now()
        self.deadline_ns = self.begin.wall_ns + threshold_ns

    def now(self) -> Sample:
        """The time and the thread's CPU clock."""
        cpu = time.clock_gettime_ns(self.clock) if self.clock is not None else 0
        return Sample(time.perf_counter_ns(), cpu, None)

    def look(self, frame: FrameType | None, now_ns: int) -> None:
        """One look by the watching thread."""
        if self.profiled and frame is not None and len(self.samples) < _MOST_SAMPLES:
            assert self.code is not None
            try:
                sample = self.now()
            except OSError:  # The thread ended since its frame was taken: it has no clock any more.
                return
            self.samples.append(sample._replace(path=path_of(frame, self.code)))
        if self.snapshot is None and now_ns >= self.deadline_ns:
            self.snapshot = take_snapshot(frame, self.code, self.environ)


def take_snapshot(
    frame: FrameType | None, code: CodeType | None, environ: Mapping[str, Any]
) -> Snapshot:
    """The stack from the endpoint down, CPU per core, memory, and a copy of the environment."""
    cpu = memory = ""
    if psutil is not None:
        cpu = str(psutil.cpu_percent(percpu=True))
        memory = str(psutil.virtual_memory())
    return Snapshot(_stack(frame, code), cpu, memory, dict(environ))


def _stack(frame: FrameType | None, code: CodeType | None) -> str:
    """In FMD's words: `File: "shop.py", line 7, in "item": "return load(i)"`."""
    lines = []
    while frame is not None:
        (entry,) = traceback.extract_stack(frame, limit=1)
        lines.append(
            f'File: "{entry.filename}", line {entry.lineno}, in "{entry.name}": "{entry.line}"'
        )
        if frame.f_code is code:
            break
        frame = frame.f_back
    return "\n".join(reversed(lines))
