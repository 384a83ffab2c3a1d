"""From samples of a thread to a profile: CPU and waiting time per line.

Each sample has the time, the thread's own CPU clock and the lines from the endpoint down. So an
interval between two samples has a known CPU part and a known waiting part. Intervals that begin and
end on one line tell how much of that line is CPU (its share); in an interval between two lines the
CPU part is split over both by share, and the waiting part by one minus share. CPU that was burnt
where no busy line was seen is "not sampled", never charged to a line that waits.
"""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from itertools import pairwise
from types import CodeType, FrameType
from typing import NamedTuple

from otel_fmd.spans.profile import Profile, ProfileLine

Line = tuple[CodeType, int]
Path = tuple[Line, ...]
_FRAMEWORK = ("/flask/", "/werkzeug/", "/opentelemetry/", "/asgiref/", "/wrapt/")
_MOST_LINES = 60
_UNKNOWN_SHARE = 0.5
_WAITS = 0.1
_DEEPEST = 100


class Sample(NamedTuple):
    """One look at a thread: wall and CPU nanoseconds, and the lines from the endpoint down."""

    wall_ns: int
    cpu_ns: int
    path: Path | None


def path_of(frame: FrameType | None, code: CodeType) -> Path | None:
    """The lines of a stack from the endpoint's code down; None when it is not in there."""
    lines: list[Line] = []
    depth = 0
    while frame is not None and depth < _DEEPEST:
        lines.append((frame.f_code, frame.f_lineno))
        if frame.f_code is code:
            lines.reverse()
            return tuple(line for line in lines if not _is_framework(line[0]))
        frame = frame.f_back
        depth += 1
    return None


def _is_framework(code: CodeType) -> bool:
    name = code.co_filename
    return "site-packages" in name and any(part in name for part in _FRAMEWORK)


class _Share:
    """How much of a line is CPU, from the intervals that it has for itself."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._times: dict[Path, tuple[int, int]] = {}
        for before, after in pairwise(samples):
            if before.path is not None and before.path == after.path:
                cpu, wall = self._times.get(before.path, (0, 0))
                self._times[before.path] = (
                    cpu + after.cpu_ns - before.cpu_ns,
                    wall + after.wall_ns - before.wall_ns,
                )

    def of(self, path: Path | None) -> float:
        """From 0 (waits) to 1 (computes); a half where nothing is known."""
        if path is None:
            return _UNKNOWN_SHARE
        cpu, wall = self._times.get(path, (0, 0))
        return min(1.0, cpu / wall) if wall > 0 else _UNKNOWN_SHARE


def build_profile(
    samples: Sequence[Sample], begin: Sample, end: Sample, code: CodeType, *, has_cpu: bool
) -> Profile | None:
    """The profile of a request; None when no sample hit it.

    Args:
        samples: the looks, in order of time.
        begin: time and CPU clock when the endpoint's request began (its path is not used).
        end: the same when it ended.
        code: the endpoint's function.
        has_cpu: whether the CPU clock is known (Linux); else all time is wall time.
    """
    seen = [sample for sample in samples if sample.path]
    if not seen:
        return None
    share = _Share(samples)
    wall: dict[Path, float] = {}
    cpu: dict[Path, float] = {}
    lost = 0.0

    def charge(into: dict[Path, float], path: Path, amount: float) -> None:
        for depth in range(1, len(path) + 1):
            prefix = path[:depth]
            into[prefix] = into.get(prefix, 0.0) + amount

    points = [begin, *samples, end]
    for before, after in pairwise(points):
        d_cpu = max(0, after.cpu_ns - before.cpu_ns)
        d_wait = max(0, after.wall_ns - before.wall_ns - d_cpu)
        ends = [path for path in (before.path, after.path) if path]
        if not ends:
            lost += d_cpu + d_wait
            continue
        if len(ends) == 2 and ends[0] == ends[1]:
            ends = ends[:1]
        busy = [share.of(path) for path in ends]
        idle = [1 - one for one in busy]
        if has_cpu and d_cpu and max(busy) < _WAITS:
            lost += d_cpu
            d_cpu = 0
        for path, one, other in zip(ends, busy, idle, strict=True):
            part_cpu = d_cpu * (one / sum(busy) if sum(busy) else 1 / len(ends))
            part_wait = d_wait * (other / sum(idle) if sum(idle) else 1 / len(ends))
            charge(wall, path, part_cpu + part_wait)
            charge(cpu, path, part_cpu)
    return _as_profile(wall, cpu if has_cpu else None, code, len(seen), lost)


def _as_profile(
    wall: dict[Path, float],
    cpu: dict[Path, float] | None,
    code: CodeType,
    samples: int,
    lost_ns: float,
) -> Profile:
    kept = set(sorted(wall, key=lambda path: -wall[path])[:_MOST_LINES])
    children: dict[Path, list[Path]] = {}
    for path in kept:
        children.setdefault(path[:-1], []).append(path)
    tops = children.get((), [])
    root_cpu = None if cpu is None else round(sum(cpu.get(top, 0.0) for top in tops) / 1000)
    root_us = round(sum(wall[top] for top in tops) / 1000)
    first = code.co_firstlineno
    lines = [
        ProfileLine(
            code.co_filename,
            first,
            code.co_name,
            _definition(code),
            0,
            root_us,
            root_cpu,
        )
    ]

    def add(path: Path) -> None:
        place, number = path[-1]
        lines.append(
            ProfileLine(
                place.co_filename,
                number,
                place.co_name,
                linecache.getline(place.co_filename, number).strip()[:120] or place.co_name,
                len(path),
                round(wall[path] / 1000),
                None if cpu is None else round(cpu.get(path, 0.0) / 1000),
            )
        )
        for child in sorted(children.get(path, []), key=lambda one: one[-1][1]):
            add(child)

    for top in sorted(tops, key=lambda one: one[-1][1]):
        add(top)
    return Profile(lines, samples, round(lost_ns / 1000), is_cut=len(kept) < len(wall))


def _definition(code: CodeType) -> str:
    """The line with `def`, below its decorators."""
    for number in range(code.co_firstlineno, code.co_firstlineno + 20):
        text = linecache.getline(code.co_filename, number).strip()
        if text.startswith(("def ", "async def ")):
            return text[:120]
    return f"def {code.co_name}"
