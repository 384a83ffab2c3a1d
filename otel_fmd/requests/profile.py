"""The span event `fmd.profile`: a profile tree in one attribute of bytes.

`fmd.profile.data` is JSON, compressed (zlib): `[strings, files, lines, functions, codes, indents,
wall_us, cpu_us]`, where files, functions and codes are numbers of strings. The SDK's limit on the
length of texts does not cut bytes. Agents of earlier versions sent parallel arrays of numbers and
one table of strings, each as an attribute: these are read, too, and recognised where that limit cut
the table.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_fmd.signals.record import AttributeValue, Event

PREFIX = "fmd.profile."
_MOST_BYTES = 1_000_000
_NUMBER_OF_COLUMNS = 7
_MOST = 2**31 - 1
"""The greatest line number, indent and number of samples that the tables hold."""
_MOST_US = 2**63 - 1


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

    `samples` says how often the request was sampled, `not_sampled_us` the time that no sample
    assigns to a line, `is_cut` that lines or texts were lost on the way.
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

    columns = [
        [number(line.filename) for line in profile.lines],
        [line.line_number for line in profile.lines],
        [number(line.function_name) for line in profile.lines],
        [number(line.code) for line in profile.lines],
        [line.indent for line in profile.lines],
        [line.wall_us for line in profile.lines],
        [-1 if line.cpu_us is None else line.cpu_us for line in profile.lines],
    ]
    text = json.dumps([list(strings), *columns], separators=(",", ":"), ensure_ascii=False)
    return {
        f"{PREFIX}data": zlib.compress(text.encode("utf-8", "replace"), 1),
        f"{PREFIX}samples": profile.samples,
        f"{PREFIX}not_sampled_us": profile.not_sampled_us,
        f"{PREFIX}cut": profile.is_cut,
    }


def profile_of(event: Event) -> Profile | None:
    """The profile in an event; None when nothing of it can be read."""
    values: Mapping[str, Any] = {
        name.removeprefix(PREFIX): value for name, value in event.attributes.items()
    }
    try:
        strings, arrays, is_whole = _columns(values)
        samples = int(values.get("samples", 0))
        not_sampled = int(values.get("not_sampled_us", 0))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, zlib.error):
        return None
    is_cut = bool(values.get("cut")) or not is_whole or len({len(array) for array in arrays}) != 1
    lines = []
    for file, line, function, code, indent, wall, cpu in zip(*arrays, strict=False):
        has_texts = all(0 <= index < len(strings) for index in (file, function, code))
        # One number that no column holds would cost its whole batch.
        if not has_texts or max(abs(line), indent) > _MOST or max(wall, cpu) > _MOST_US:
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
    samples, not_sampled = min(max(0, samples), _MOST), min(max(0, not_sampled), _MOST_US)
    return Profile(lines, samples, not_sampled, is_cut)


def _columns(values: Mapping[str, Any]) -> tuple[list[str], list[list[int]], bool]:
    """Strings, the seven columns of numbers, and whether no text was cut."""
    data = values.get("data")
    if data is not None:
        if not isinstance(data, bytes):
            raise ValueError(f"{type(data).__name__} instead of bytes")
        inflate = zlib.decompressobj()
        text = inflate.decompress(data, _MOST_BYTES)
        if inflate.unconsumed_tail:
            raise ValueError(f"a profile of more than {_MOST_BYTES} bytes")
        strings, *columns = json.loads(text)
        if len(columns) != _NUMBER_OF_COLUMNS:
            raise ValueError(f"{len(columns)} columns; expected {_NUMBER_OF_COLUMNS}")
        return list(map(str, strings)), [[int(n) for n in column] for column in columns], True
    strings = [str(text) for text in values["strings"]]
    columns = [[int(n) for n in values[key]] for key in ("file", "line", "function", "code")]
    columns += [[int(n) for n in values[key]] for key in ("indent", "wall_us", "cpu_us")]
    return strings, columns, sum(map(len, strings)) == int(values.get("characters", -1))
