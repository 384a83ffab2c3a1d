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
from types import CodeType
from typing import NamedTuple

from otel_fmd.agent.stack import Path
from otel_fmd.spans.profile import Profile, ProfileLine

SMALLER = "(smaller lines)"
"""Stands for lines that did not fit, together."""
_MOST_BYTES = 4_096
_HEAD_BYTES = 400
_LINE_BYTES = 48
"""Seven numbers in arrays, each with its frame in protobuf."""
_TEXT_BYTES = 4
_UNKNOWN_SHARE = 0.5
_WAITS = 0.1


class Sample(NamedTuple):
    """One look at a thread: wall and CPU nanoseconds, and the lines from the endpoint down."""

    wall_ns: int
    cpu_ns: int
    path: Path | None


class _Share:
    """How much of a line is CPU, from the intervals that it has for itself.

    An interval that begins and ends at different places below one line belongs to that line. Of a
    line that has none, the intervals at the edge of the endpoint tell: outside of it there is
    little else.
    """

    def __init__(self, points: Sequence[Sample]) -> None:
        self._own: dict[Path, tuple[int, int]] = {}
        self._edge: dict[Path, tuple[int, int]] = {}
        for before, after in pairwise(points):
            if before.path and after.path:
                depth = _shared_depth(before.path, after.path)
                self._add(self._own, before.path[:depth], before, after)
            elif before.path or after.path:
                self._add(self._edge, before.path or after.path or (), before, after)

    @staticmethod
    def _add(into: dict[Path, tuple[int, int]], path: Path, before: Sample, after: Sample) -> None:
        for depth in range(1, len(path) + 1):
            cpu, wall = into.get(path[:depth], (0, 0))
            into[path[:depth]] = (
                cpu + after.cpu_ns - before.cpu_ns,
                wall + after.wall_ns - before.wall_ns,
            )

    def of(self, path: Path) -> float:
        """From 0 (waits) to 1 (computes); a half where nothing is known of it or above it."""
        for known in (self._own, self._edge):
            for depth in range(len(path), 0, -1):
                cpu, wall = known.get(path[:depth], (0, 0))
                if wall > 0:
                    return min(1.0, max(0.0, cpu / wall))
        return _UNKNOWN_SHARE


def _shared_depth(one: Path, other: Path) -> int:
    depth = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        depth += 1
    return depth


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
    points = [begin, *samples, end]
    share = _Share(points)
    wall: dict[Path, float] = {}
    cpu: dict[Path, float] = {}
    lost = 0.0

    def charge(into: dict[Path, float], path: Path, amount: float) -> None:
        for depth in range(1, len(path) + 1):
            prefix = path[:depth]
            into[prefix] = into.get(prefix, 0.0) + amount

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
    return _Tree(wall, cpu if has_cpu else None, code).profile(len(seen), lost)


class _Tree:
    """The lines of a profile, as many as fit into the event; the smallest are put together."""

    def __init__(
        self, wall: dict[Path, float], cpu: dict[Path, float] | None, code: CodeType
    ) -> None:
        self._wall = wall
        self._cpu = cpu
        self._code = code
        kept = _that_fit(wall)
        self._children: dict[Path, list[Path]] = {}
        for path in kept:
            self._children.setdefault(path[:-1], []).append(path)
        self._left_out: dict[Path, list[Path]] = {}
        for path in wall.keys() - kept:
            if len(path) == 1 or path[:-1] in kept:
                self._left_out.setdefault(path[:-1], []).append(path)
        self._lines: list[ProfileLine] = []

    def profile(self, samples: int, lost_ns: float) -> Profile:
        """The tree, the endpoint itself on top."""
        tops = [path for path in self._wall if len(path) == 1]
        self._append(
            self._code.co_filename,
            self._code.co_firstlineno,
            self._code.co_name,
            _definition(self._code),
            0,
            tops,
        )
        self._add_below(())
        return Profile(self._lines, samples, round(lost_ns / 1000), is_cut=bool(self._left_out))

    def _add_below(self, above: Path) -> None:
        for path in sorted(self._children.get(above, []), key=lambda one: one[-1][1]):
            place, number = path[-1]
            text = _source(place, number)
            self._append(place.co_filename, number, place.co_name, text, len(path), [path])
            self._add_below(path)
        left_out = self._left_out.get(above)
        if left_out:
            self._append("", 0, "", SMALLER, len(above) + 1, left_out)

    def _append(
        self, file: str, number: int, function: str, text: str, indent: int, paths: Sequence[Path]
    ) -> None:
        wall_us = round(sum(self._wall[path] for path in paths) / 1000)
        cpu_us = None
        if self._cpu is not None:
            cpu_us = round(sum(self._cpu.get(path, 0.0) for path in paths) / 1000)
        self._lines.append(ProfileLine(file, number, function, text, indent, wall_us, cpu_us))


def _that_fit(wall: dict[Path, float]) -> set[Path]:
    """The largest lines, each with those above it, that fit into the event."""
    # A line is never larger than the one above it, so that one comes first.
    order = sorted(wall, key=lambda one: (-wall[one], len(one)))
    fits, too_many = 0, len(order) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _size(wall, order[:middle]) <= _MOST_BYTES:
            fits = middle
        else:
            too_many = middle
    return set(order[:fits])


def _size(wall: dict[Path, float], chosen: Sequence[Path]) -> int:
    """About the bytes of an event with these lines, and one for what is left out below each."""
    kept = set(chosen)
    cut = {path[:-1] for path in wall if path not in kept and (path[:-1] in kept or len(path) == 1)}
    texts = {SMALLER}
    for path in chosen:
        place, number = path[-1]
        texts |= {place.co_filename, place.co_name, _source(place, number)}
    text_bytes = sum(len(text.encode()) + _TEXT_BYTES for text in texts)
    return _HEAD_BYTES + _LINE_BYTES * (len(chosen) + len(cut) + 1) + text_bytes


def _source(code: CodeType, number: int) -> str:
    return linecache.getline(code.co_filename, number).strip()[:120] or code.co_name


def _definition(code: CodeType) -> str:
    """The line with `def`, below its decorators."""
    for number in range(code.co_firstlineno, code.co_firstlineno + 20):
        text = linecache.getline(code.co_filename, number).strip()
        if text.startswith(("def ", "async def ")):
            return text[:120]
    return f"def {code.co_name}"
