"""Profiles in the format of pprof: a gzipped protocol buffer.

Source: https://github.com/google/pprof/blob/main/proto/profile.proto
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from otel_fmd.analysis.stacks import Frame, Stack

_PACKAGE = "perftools.profiles"
_INT64, _UINT64, _MESSAGE, _STRING = 3, 4, 11, 9
_ONE, _MANY = 1, 3
_MESSAGES: dict[str, tuple[tuple[str, int, int, int, str], ...]] = {
    "ValueType": (("type", 1, _ONE, _INT64, ""), ("unit", 2, _ONE, _INT64, "")),
    "Sample": (("location_id", 1, _MANY, _UINT64, ""), ("value", 2, _MANY, _INT64, "")),
    "Line": (("function_id", 1, _ONE, _UINT64, ""), ("line", 2, _ONE, _INT64, "")),
    "Location": (("id", 1, _ONE, _UINT64, ""), ("line", 4, _MANY, _MESSAGE, "Line")),
    "Function": (
        ("id", 1, _ONE, _UINT64, ""),
        ("name", 2, _ONE, _INT64, ""),
        ("filename", 4, _ONE, _INT64, ""),
    ),
    "Profile": (
        ("sample_type", 1, _MANY, _MESSAGE, "ValueType"),
        ("sample", 2, _MANY, _MESSAGE, "Sample"),
        ("location", 4, _MANY, _MESSAGE, "Location"),
        ("function", 5, _MANY, _MESSAGE, "Function"),
        ("string_table", 6, _MANY, _STRING, ""),
        ("period_type", 11, _ONE, _MESSAGE, "ValueType"),
        ("period", 12, _ONE, _INT64, ""),
        ("default_sample_type", 14, _ONE, _INT64, ""),
    ),
}
"""The fields that are used: name, number, label, type, and the type of a message."""


class _Strings:
    """The table of strings; its first one is empty."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {"": 0}

    def place(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))


def pprof(stacks: Iterable[Stack]) -> bytes:
    """The file; its samples have wall time and CPU time, in nanoseconds.

    Args:
        stacks: the stacks of a profile.
    """
    made, strings = _profile_class()(), _Strings()
    for name in ("wall", "cpu"):
        made.sample_type.add(type=strings.place(name), unit=strings.place("nanoseconds"))
    made.default_sample_type = strings.place("wall")
    functions: dict[tuple[str, str], int] = {}
    locations: dict[Frame, int] = {}
    for one in stacks:
        for frame in one.frames:
            if frame not in locations:
                locations[frame] = len(locations) + 1
                _add_location(made, strings, functions, frame, locations[frame])
        made.sample.add(
            location_id=[locations[frame] for frame in reversed(one.frames)],
            value=[round(one.duration_ms * 1e6), round(one.cpu_ms * 1e6)],
        )
    made.string_table.extend(strings.places)
    return gzip.compress(made.SerializeToString(), mtime=0)


def _add_location(
    made: Any,
    strings: _Strings,
    functions: dict[tuple[str, str], int],
    frame: Frame,
    identifier: int,
) -> None:
    name = frame.function or frame.code.strip() or "?"
    key = (name, frame.filename)
    if key not in functions:
        functions[key] = len(functions) + 1
        # Without a name of the system, which pprof would take for that of C++ and demangle:
        # `<genexpr>` was shown as unknown.
        made.function.add(
            id=functions[key], name=strings.place(name), filename=strings.place(frame.filename)
        )
    made.location.add(id=identifier).line.add(function_id=functions[key], line=frame.line)


@cache
def _profile_class() -> Any:
    """The class of the message, made from `_MESSAGES`."""
    file = descriptor_pb2.FileDescriptorProto(
        name="otel_fmd/pprof.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind, type_name in fields:
            added = message.field.add(name=field, number=number, label=label, type=kind)
            if type_name:
                added.type_name = f".{_PACKAGE}.{type_name}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Profile"))
