"""From samples of a thread to a profile: CPU and waiting time per line.

Each sample has the time, the thread's own CPU clock and the lines from the endpoint down. So an
interval between two samples has a known CPU part and a known waiting part. Intervals that begin and
end on one line show how much of that line is CPU (its share); in an interval between two lines the
CPU part is split over both by share, and the waiting part by one minus share. CPU time spent where
no busy line was seen is "not sampled", never charged to a line that waits.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from types import CodeType
from typing import NamedTuple

from otel_fmd.agent.libraries import Line, TreePath, folded, package_of
from otel_fmd.agent.stack import Path
from otel_fmd.requests.profile import Profile, ProfileLine

SMALLER = "(smaller lines)"
"""Stands for lines that were left out, together."""
_MOST_LINES = 120
_LEAST_SHARE = 0.002
"""A line with less of the time than this is left out."""
_UNKNOWN_SHARE = 0.5
_WAITS = 0.1
_DEEP_LIBRARY = 4


class Sample(NamedTuple):
    """One sample of a thread: wall and CPU nanoseconds, and the lines from the endpoint down.

    `released_lock`: it is seen where it released the interpreter's lock (a query, a file), but
    computed elsewhere a moment before, when the sample was due.
    """

    wall_ns: int
    cpu_ns: int
    path: Path | None
    released_lock: bool = False


class _Node:
    """A line below another, what it took, and what intervals say of its share of CPU.

    A detail is a line of a library below its package, which represents it if it is left out.
    `own` sums the intervals that begin and end below it, `edge` those that begin or end outside of
    the endpoint: (CPU, wall) nanoseconds each.
    """

    __slots__ = (
        "children",
        "cpu",
        "depth",
        "edge_cpu",
        "edge_wall",
        "hidden",
        "is_detail",
        "is_kept",
        "line",
        "own_cpu",
        "own_wall",
        "parent",
        "wall",
    )

    def __init__(self, line: Line, parent: _Node | None) -> None:
        self.line = line
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.children: dict[Line, _Node] = {}
        self.wall = self.cpu = self.hidden = 0.0
        self.own_cpu = self.own_wall = self.edge_cpu = self.edge_wall = 0
        self.is_detail: bool = parent is not None and (
            parent.is_detail or _is_within(line, parent.line)
        )
        self.is_kept = False

    def below(self, path: TreePath) -> _Node:
        """The node of a path below this one, made where it is new."""
        node = self
        for line in path:
            child = node.children.get(line)
            if child is None:
                child = node.children[line] = _Node(line, node)
            node = child
        return node

    def share(self) -> float:
        """How much of it is CPU, from 0 (waits) to 1 (computes); a half if unknown.

        An interval that begins and ends at different places below one line belongs to that line.
        A line without one uses the intervals at the edge of the endpoint: little else happens
        outside of it.
        """
        node: _Node | None = self
        while node is not None and node.depth:
            if node.own_wall > 0:
                return min(1.0, max(0.0, node.own_cpu / node.own_wall))
            node = node.parent
        node = self
        while node is not None and node.depth:
            if node.edge_wall > 0:
                return min(1.0, max(0.0, node.edge_cpu / node.edge_wall))
            node = node.parent
        return _UNKNOWN_SHARE

    def add_up(self) -> None:
        """Add what the lines below took to each line."""
        for child in self.children.values():
            child.add_up()
            self.wall += child.wall
            self.cpu += child.cpu

    def walk(self) -> Iterator[_Node]:
        """Every node below."""
        for child in self.children.values():
            yield child
            yield from child.walk()


def _is_within(line: Line, package: Line) -> bool:
    place, name = line[0], package[0]
    return (
        isinstance(name, str)
        and isinstance(place, CodeType)
        and package_of(place.co_filename) == name
    )


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
    own = package_of(code.co_filename)
    root = _Node((code, 0), None)
    nothing = _End(None, None)
    known: dict[tuple[int, bool], _End] = {}
    ends = [nothing]
    for sample in samples:
        path = sample.path
        if not path:
            ends.append(nothing)
            continue
        end_of = known.get((id(path), sample.released_lock))
        if end_of is None:
            node = root.below(folded(path, own))
            end_of = _End(node, _computed_before(node) if sample.released_lock else None)
            known[id(path), sample.released_lock] = end_of
        ends.append(end_of)
    ends.append(nothing)
    number = sum(one.node is not None for one in ends)
    if not number:
        return None
    points = [begin, *samples, end]
    intervals = [
        (before, after, max(0, right.cpu_ns - left.cpu_ns), right.wall_ns - left.wall_ns)
        for (left, right), (before, after) in zip(pairwise(points), pairwise(ends), strict=True)
    ]
    _learn_shares(intervals)
    lost = sum(_charge(*one, has_cpu=has_cpu) for one in intervals)
    lost += _spread_hidden(root)
    root.add_up()
    return _Tree(root, code, has_cpu).profile(number, lost)


class _End(NamedTuple):
    """An end of an interval: the line that was seen.

    If the thread had released the lock by itself, also the line below which it computed before; the
    exact line is not known.
    """

    node: _Node | None
    hidden: _Node | None

    @property
    def computing(self) -> _Node | None:
        """The lowest line that surely computed."""
        return self.hidden or self.node


def _computed_before(node: _Node) -> _Node:
    """Below which line a thread computed before it released the lock at this one.

    In the calling line, or in the library if that is deep: a library's own lines release the lock
    far below the ones that compute.
    """
    place = node
    while place.is_detail and place.parent is not None:
        place = place.parent
    if isinstance(place.line[0], str):
        if node.depth - place.depth >= _DEEP_LIBRARY:
            return place
        place = place.parent or place
    return place.parent or place


def _learn_shares(intervals: Sequence[tuple[_End, _End, int, int]]) -> None:
    for before, after, cpu, wall in intervals:
        one, other = before.computing, after.computing
        if one is not None and other is not None:
            node: _Node | None = _common(one, other)
            while node is not None and node.depth:
                node.own_cpu += cpu
                node.own_wall += wall
                node = node.parent
        else:
            node = one or other
            while node is not None and node.depth:
                node.edge_cpu += cpu
                node.edge_wall += wall
                node = node.parent


def _common(one: _Node, other: _Node) -> _Node:
    """The lowest node that both are below, or are."""
    while one is not other:
        if one.depth >= other.depth:
            assert one.parent is not None
            one = one.parent
        else:
            assert other.parent is not None
            other = other.parent
    return one


def _charge(before: _End, after: _End, cpu: int, wall: int, *, has_cpu: bool) -> float:
    """Charge an interval to the lines at its ends; what is charged to none of them."""
    wait = max(0, wall - cpu)
    ends = [end for end in (before, after) if end.node is not None]
    if not ends:
        return cpu + wait
    if len(ends) == 2 and ends[0] is ends[1]:
        ends = ends[:1]
    busy = [1.0 if end.hidden is not None else end.node.share() for end in ends if end.node]
    idle = [
        1.0 if end.hidden is not None else 1 - share for end, share in zip(ends, busy, strict=True)
    ]
    lost = 0
    if has_cpu and cpu and max(busy) < _WAITS:
        lost, cpu = cpu, 0
    all_busy, all_idle = sum(busy), sum(idle)
    for (node, hidden), one, other in zip(ends, busy, idle, strict=True):
        assert node is not None
        part = cpu * (one / all_busy if all_busy else 1 / len(ends))
        rest = wait * (other / all_idle if all_idle else 1 / len(ends))
        node.wall += rest
        if hidden is not None:
            hidden.hidden += part
        else:
            node.wall += part
            node.cpu += part
    return lost


def _spread_hidden(root: _Node) -> float:
    """Give computing of which only the lines above are known to the lines below them.

    To those that were seen computing, by their share; what is left where none was seen.
    """
    nodes = [root, *root.walk()]
    seen = {id(node): node.cpu for node in nodes}
    lost = 0.0
    for node in nodes:
        if not node.hidden:
            continue
        below = [one for one in node.walk() if seen[id(one)] > 0]
        whole = sum(seen[id(one)] for one in below)
        for one in below:
            part = node.hidden * seen[id(one)] / whole
            one.wall += part
            one.cpu += part
        if not below and node is root:
            lost += node.hidden
        elif not below:
            node.wall += node.hidden
            node.cpu += node.hidden
    return lost


class _Tree:
    """The lines of a profile: those that matter; the smallest are put together."""

    def __init__(self, root: _Node, code: CodeType, has_cpu: bool) -> None:
        self._root = root
        self._code = code
        self._has_cpu = has_cpu
        self._lines: list[ProfileLine] = []
        self._is_cut = False
        least = root.wall * _LEAST_SHARE
        # A line is never larger than the one above it, so that one comes first.
        order = sorted(root.walk(), key=lambda node: (node.is_detail, -node.wall, node.depth))
        for node in order[:_MOST_LINES]:
            node.is_kept = node.wall >= least and (
                node.parent is root or (node.parent is not None and node.parent.is_kept)
            )

    def profile(self, samples: int, lost_ns: float) -> Profile:
        """The tree, the endpoint itself on top."""
        code = self._code
        definition = _definition(code)
        self._append(code.co_filename, code.co_firstlineno, code.co_name, definition, [self._root])
        self._add_below(self._root)
        return Profile(self._lines, samples, round(lost_ns / 1000), is_cut=self._is_cut)

    def _add_below(self, above: _Node) -> None:
        left_out: list[_Node] = []
        for node in sorted(above.children.values(), key=lambda one: (one.line[1], -one.wall)):
            if not node.is_kept:
                if not node.is_detail:
                    left_out.append(node)
                continue
            place, number = node.line
            if isinstance(place, str):
                self._append(place, 0, place, f"({place})", [node])
            else:
                text = _source(place, number)
                self._append(place.co_filename, number, place.co_name, text, [node])
            self._add_below(node)
        if sum(node.wall for node in left_out) >= 1_000:
            self._is_cut = True
            self._append("", 0, "", SMALLER, left_out)

    def _append(
        self, file: str, number: int, function: str, text: str, nodes: Sequence[_Node]
    ) -> None:
        wall_us = round(sum(node.wall for node in nodes) / 1000)
        cpu_us = round(sum(node.cpu for node in nodes) / 1000) if self._has_cpu else None
        indent = nodes[0].depth
        self._lines.append(ProfileLine(file, number, function, text, indent, wall_us, cpu_us))


@lru_cache(maxsize=8192)
def _source(code: CodeType, number: int) -> str:
    return linecache.getline(code.co_filename, number).strip()[:120] or code.co_name


@lru_cache(maxsize=2048)
def _definition(code: CodeType) -> str:
    """The line with `def`, below its decorators."""
    for number in range(code.co_firstlineno, code.co_firstlineno + 20):
        text = linecache.getline(code.co_filename, number).strip()
        if text.startswith(("def ", "async def ")):
            return text[:120]
    return f"def {code.co_name}"
