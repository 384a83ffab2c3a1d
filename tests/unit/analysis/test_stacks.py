"""Profiles for other tools: time of its own in each stack, and what the tools read."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis.pprof import pprof
from otel_fmd.analysis.stacks import Frame, Line, Stack, collapsed, speedscope, stacks_of
from tests.support.requirements import program

A, B, C = (Frame(name, "a b.py", number, f"{name}()") for number, name in enumerate("abc", 1))
TREE = [Line(A, 0, 10.0, 5.0), Line(B, 1, 6.0, 4.0), Line(C, 2, 1.0, 1.0), Line(C, 1, 3.0, 0.0)]
STACKS = [
    Stack((A, B, C), 1.0, 1.0),
    Stack((A, B), 5.0, 3.0),
    Stack((A, C), 3.0, 0.0),
    Stack((A,), 1.0, 1.0),
]


def test_time_of_its_own() -> None:
    """What a line took without what it called."""
    assert list(stacks_of(TREE)) == STACKS


@st.composite
def trees(draw: st.DrawFn) -> list[Line]:
    """Lines in the order of a tree; children take no longer than their parent."""
    lines: list[Line] = []

    def add(depth: int, budget: int) -> None:
        left = budget
        for _ in range(draw(st.integers(0, 3 if depth < 4 else 0))):
            whole = draw(st.integers(0, left))
            lines.append(Line(draw(st.sampled_from((A, B, C))), depth, float(whole), 0.0))
            add(depth + 1, whole)
            left -= whole

    add(0, 1000)
    return lines


@given(trees())
def test_nothing_is_lost(lines: list[Line]) -> None:
    """The stacks add up to what the outermost lines took."""
    whole = sum(line.duration_ms for line in lines if line.depth == 0)
    assert sum(one.duration_ms for one in stacks_of(lines)) == pytest.approx(whole)


def test_collapsed() -> None:
    """Whole microseconds; nothing in a name can be taken for a separator."""
    odd = Frame("", "x;y.py", 7, "return; 1\n")
    assert collapsed([*STACKS[:2], Stack((odd,), 0.5, 0), Stack((A,), 0.0001, 0)]) == (
        "a (a b.py:1);b (a b.py:2);c (a b.py:3) 1000\n"
        "a (a b.py:1);b (a b.py:2) 5000\n"
        "return: 1 (x:y.py:7) 500\n"
    )


def test_speedscope() -> None:
    """Two profiles over one list of frames."""
    made = json.loads(speedscope(STACKS, "shop"))
    assert made["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    wall, cpu = made["profiles"]
    assert (wall["weights"], cpu["weights"]) == ([1.0, 5.0, 3.0, 1.0], [1.0, 3.0, 0.0, 1.0])
    assert wall["endValue"] == sum(wall["weights"])
    frames = made["shared"]["frames"]
    named = [[frames[place]["name"] for place in sample] for sample in wall["samples"]]
    assert named == [["a", "b", "c"], ["a", "b"], ["a", "c"], ["a"]]


Field = tuple[int, int | bytes]


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of a protocol buffer, and where it ends."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def fields_of(data: bytes) -> Iterator[Field]:
    """The fields of a message, by their numbers, read without its definition."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        value: int | bytes
        value, place = varint(data, place)
        if key & 7 == 2:
            value, place = data[place : place + value], place + value
        yield key >> 3, value


def numbers(packed: bytes) -> list[int]:
    """A packed field."""
    found, place = [], 0
    while place < len(packed):
        value, place = varint(packed, place)
        found.append(value)
    return found


def message(data: int | bytes) -> dict[int, int | bytes]:
    """A message without repeated fields."""
    assert isinstance(data, bytes)
    return dict(fields_of(data))


def test_pprof() -> None:
    """Numbers of fields as in profile.proto: the leaf first, wall and CPU time in nanoseconds."""
    found = list(fields_of(gzip.decompress(pprof(STACKS))))
    strings = [value.decode() for number, value in found if number == 6]
    assert strings[0] == ""
    functions = {one[1]: strings[one[2]] for n, data in found if n == 5 for one in [message(data)]}
    files = {one[1]: strings[one[4]] for n, data in found if n == 5 for one in [message(data)]}
    assert set(files.values()) == {"a b.py"}
    lines = {}
    for _, data in (one for one in found if one[0] == 4):
        one = message(data)
        line = message(one[4])
        lines[one[1]] = functions[line[1]], line[2]
    samples = []
    for _, data in (one for one in found if one[0] == 2):
        one = message(data)
        samples.append(([lines[n] for n in numbers(one[1])], numbers(one[2])))
    a, b, c = ("a", 1), ("b", 2), ("c", 3)
    ms = 1_000_000
    assert samples == [
        ([c, b, a], [1 * ms, 1 * ms]),
        ([b, a], [5 * ms, 3 * ms]),
        ([c, a], [3 * ms, 0]),
        ([a], [1 * ms, 1 * ms]),
    ]
    kinds = [message(data) for number, data in found if number == 1]
    assert [(strings[one[1]], strings[one[2]]) for one in kinds] == [
        ("wall", "nanoseconds"),
        ("cpu", "nanoseconds"),
    ]
    assert pprof(STACKS) == pprof(STACKS)


@pytest.mark.skipif(not os.environ.get("OTEL_FMD_TEST_PPROF"), reason="in `make soak`")
def test_pprof_reads_it(tmp_path: Path) -> None:
    """The original, which Go builds first."""
    path = tmp_path / "profile.pb.gz"
    path.write_bytes(pprof(STACKS))
    for kind, whole in (("wall", "10ms"), ("cpu", "5ms")):
        command = [program("go"), "tool", "pprof", "-top", "-cum", f"-sample_index={kind}", path]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        first = next(line for line in shown.splitlines() if line.endswith("  a"))
        assert first.split()[3] == whole


def test_nothing() -> None:
    """An empty profile is one, too."""
    assert collapsed([]) == ""
    assert json.loads(speedscope([], "x"))["shared"]["frames"] == []
    assert gzip.decompress(pprof([]))
