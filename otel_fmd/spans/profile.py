"""The span event `fmd.profile`: a profile tree as parallel arrays and one table of strings.

Arrays of numbers survive the SDK's length limit for strings; a profile whose string table was cut
by it is recognised by `fmd.profile.characters` and shown as cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_fmd.spans.record import AttributeValue, Event

PREFIX = "fmd.profile."


class ProfileLine(NamedTuple):
    """One line of a profile, in the order of the tree; durations in microseconds."""

    filename: str
    line_number: int
    function_name: str
    code: str
    indent: int
    wall_us: int
    cpu_us: int | None


class Profile(NamedTuple):
    """A request's profile.

    `samples` says how often the request was looked at, `not_sampled_us` the time of which no sample
    tells the line, `is_cut` that lines or texts were lost on the way.
    """

    lines: Sequence[ProfileLine]
    samples: int
    not_sampled_us: int
    is_cut: bool


def profile_attributes(profile: Profile) -> dict[str, AttributeValue]:
    """The attributes of the event that carries this profile."""
    strings: dict[str, int] = {}

    def number(text: str) -> int:
        return strings.setdefault(text, len(strings))

    files = [number(line.filename) for line in profile.lines]
    functions = [number(line.function_name) for line in profile.lines]
    codes = [number(line.code) for line in profile.lines]
    found: dict[str, AttributeValue] = {
        "file": files,
        "function": functions,
        "code": codes,
        "line": [line.line_number for line in profile.lines],
        "indent": [line.indent for line in profile.lines],
        "wall_us": [line.wall_us for line in profile.lines],
        "cpu_us": [-1 if line.cpu_us is None else line.cpu_us for line in profile.lines],
        "strings": list(strings),
        "characters": sum(map(len, strings)),
        "samples": profile.samples,
        "not_sampled_us": profile.not_sampled_us,
        "cut": profile.is_cut,
    }
    return {f"{PREFIX}{name}": value for name, value in found.items()}


def profile_of(event: Event) -> Profile | None:
    """The profile in an event; None when nothing of it can be read."""
    values: Mapping[str, Any] = {
        name.removeprefix(PREFIX): value for name, value in event.attributes.items()
    }
    try:
        strings = [str(text) for text in values["strings"]]
        arrays = [[int(n) for n in values[key]] for key in ("file", "line", "function", "code")]
        arrays += [[int(n) for n in values[key]] for key in ("indent", "wall_us", "cpu_us")]
        characters = int(values.get("characters", -1))
        samples = int(values.get("samples", 0))
        not_sampled = int(values.get("not_sampled_us", 0))
    except (KeyError, TypeError, ValueError):
        return None
    is_cut = (
        bool(values.get("cut"))
        or sum(map(len, strings)) != characters
        or len({len(array) for array in arrays}) != 1
    )
    lines = []
    for file, line, function, code, indent, wall, cpu in zip(*arrays, strict=False):
        if not all(0 <= index < len(strings) for index in (file, function, code)):
            is_cut = True
            break
        lines.append(
            ProfileLine(
                strings[file],
                line,
                strings[function],
                strings[code],
                max(0, indent),
                max(0, wall),
                None if cpu < 0 else cpu,
            )
        )
    return Profile(lines, samples, max(0, not_sampled), is_cut)
