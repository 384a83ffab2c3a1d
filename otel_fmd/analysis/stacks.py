"""Profiles in the formats of flame graph tools: collapsed stacks and speedscope."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


class Frame(NamedTuple):
    """A line of code in a function."""

    function: str
    filename: str
    line: int
    code: str

    @property
    def label(self) -> str:
        """Its name in a flame graph."""
        return f"{self.function or self.code.strip()} ({self.filename}:{self.line})"


class Line(NamedTuple):
    """A frame of a tree, its depth from 0, and its wall and CPU time with what it calls (ms)."""

    frame: Frame
    depth: int
    duration_ms: float
    cpu_ms: float


class Stack(NamedTuple):
    """A stack, the outermost frame first, and the time (ms) spent in its innermost frame itself."""

    frames: tuple[Frame, ...]
    duration_ms: float
    cpu_ms: float


def stacks_of(lines: Iterable[Line]) -> Iterator[Stack]:
    """The stacks of a tree that have time of their own.

    Args:
        lines: in the order of the tree, each below the one that calls it.
    """
    open_lines: list[tuple[Line, list[float]]] = []

    def close(depth: int) -> Iterator[Stack]:
        while len(open_lines) > depth:
            line, (duration, cpu) = open_lines.pop()
            frames = (*(one.frame for one, _ in open_lines), line.frame)
            if duration > 0:
                yield Stack(frames, duration, max(0.0, cpu))

    for line in lines:
        depth = min(line.depth, len(open_lines))
        yield from close(depth)
        if open_lines:
            own = open_lines[-1][1]
            own[0] -= line.duration_ms
            own[1] -= line.cpu_ms
        open_lines.append((line, [line.duration_ms, line.cpu_ms]))
    yield from close(0)


def collapsed(stacks: Iterable[Stack]) -> str:
    """Collapsed stacks, as of Brendan Gregg's `stackcollapse`: frames and whole microseconds.

    Source: https://github.com/brendangregg/FlameGraph
    """
    return "".join(
        f"{';'.join(_plain(frame.label) for frame in one.frames)} {round(one.duration_ms * 1e3)}\n"
        for one in stacks
        if round(one.duration_ms * 1e3)
    )


def speedscope(stacks: Iterable[Stack], name: str) -> str:
    """A file for speedscope, with wall time and CPU time as two profiles.

    Source: https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources
    """
    found = list(stacks)
    places: dict[Frame, int] = {}
    samples = [[places.setdefault(frame, len(places)) for frame in one.frames] for one in found]
    frames = [
        {"name": one.function or one.code.strip(), "file": one.filename, "line": one.line}
        for one in places
    ]
    wall = _sampled(f"{name}: wall time", samples, [one.duration_ms for one in found])
    cpu = _sampled(f"{name}: CPU time", samples, [one.cpu_ms for one in found])
    made = {
        "$schema": _SCHEMA,
        "name": name,
        "exporter": "otel-fmd",
        "activeProfileIndex": 0,
        "shared": {"frames": frames},
        "profiles": [wall, cpu],
    }
    return json.dumps(made)


def _sampled(name: str, samples: list[list[int]], weights: list[float]) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": name,
        "unit": "milliseconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }


def _plain(label: str) -> str:
    """Without what separates frames and lines."""
    return " ".join(label.replace(";", ":").split())
