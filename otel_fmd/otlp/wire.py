"""Protobuf on the wire, read without making anything: where the fields of a message are.

What a body costs is bounded here, before there are objects: a message of two bytes takes a hundred
in memory, so it is messages that are limited, not bytes alone.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Mapping

from otel_fmd.otlp.errors import BadDataError, TooLargeError

RESOURCE_SPANS, RESOURCE, SCOPE_SPANS, SPANS = 0x0A, 0x0A, 0x12, 0x12
"""Tags (field and wire type) on the way from an `ExportTraceServiceRequest` to its spans."""
PAIRS = 0x0A
"""The tag of attributes in a `Resource`, of values in an `ArrayValue` and a `KeyValueList`."""
SPAN_ATTRIBUTES, SPAN_EVENTS, SPAN_LINKS = 0x4A, 0x5A, 0x6A
_BYTES, _VARINT, _FIXED64, _FIXED32 = 2, 0, 1, 5

Place = tuple[int, int, int]


def fields(data: bytes, start: int, end: int, most: int) -> list[Place]:
    """(tag, start, end) of each field with a length between `start` and `end`, in their order.

    Raises:
        BadDataError: it is no message.
        TooLargeError: more than `most` fields, of any kind.
    """
    found: list[Place] = []
    add = found.append
    position = start
    try:
        while position < end:
            most -= 1
            if most < 0:
                raise TooLargeError("the body holds too many messages")
            tag = data[position]
            if tag & 7 != _BYTES or tag > 127:
                tag, position = varint(data, position)
                if tag & 7 != _BYTES:
                    position = _after(data, tag, position)
                    continue
                position -= 1
            length = data[position + 1]
            position += 2
            if length > 127:
                more = data[position]
                position += 1
                length += (more - 1) << 7
                if more > 127:
                    length, position = varint(data, position - 2)
            begin = position
            position += length
            add((tag, begin, position))
    except IndexError:
        position = end + 1
    if position > end:
        raise BadDataError("not protobuf: a field is longer than what holds it")
    return found


def varint(data: bytes, position: int) -> tuple[int, int]:
    """The number that begins at a position, and the position after it.

    Raises:
        BadDataError: it is longer than a number can be.
        IndexError: the data ends before it does.
    """
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise BadDataError("not protobuf: a number of more than ten bytes")


def _after(data: bytes, tag: int, position: int) -> int:
    kind = tag & 7
    if kind == _VARINT:
        return varint(data, position)[1]
    if kind == _FIXED64:
        return position + 8
    if kind == _FIXED32:
        return position + 4
    raise BadDataError(f"not protobuf: wire type {kind}")


def trimmed(data: bytes, start: int, end: int, most: int, limits: Mapping[int, int]) -> bytes:
    """A message without its fields of a tag beyond a number, as `limits` says.

    Raises:
        BadDataError: it is no message, or not in the shortest form.
        TooLargeError: more than `most` fields.
    """
    left = dict(limits)
    kept: list[bytes] = []
    position = start
    for tag, begin, stop in fields(data, start, end, most):
        if tag in left:
            left[tag] -= 1
            if left[tag] < 0:
                # Numbers may lie before it: they stay, its own tag and length go.
                before, head = data[position:begin], encoded(tag) + encoded(stop - begin)
                if not before.endswith(head):
                    raise BadDataError("not protobuf in its shortest form")
                kept.append(before[: -len(head)])
                position = stop
                continue
        kept.append(data[position:stop])
        position = stop
    kept.append(data[position:end])
    return b"".join(kept)


def encoded(value: int) -> bytes:
    """A number as the wire has it."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
