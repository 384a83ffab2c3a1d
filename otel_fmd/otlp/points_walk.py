"""Walks a protobuf body of metrics: fields within limits, resources, numbers between fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from google.protobuf.message import DecodeError

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.points import PointReader
from otel_fmd.otlp.values import MOST_PAIRS, pairs_of
from otel_fmd.otlp.wire import PAIRS, Place, fields, varint
from otel_fmd.signals.record import AttributeValue

_MOST_FIELDS = 65_536


class BodyWalker(PointReader):
    """One body, and what it may cost; see `PointReader`."""

    def __init__(self, body: bytes, most: int, growing: Callable[[int], None]) -> None:
        super().__init__(most, growing)
        self.body = body

    def fields(self, start: int, end: int) -> list[Place]:
        """The fields of a message, taken from those that the body may hold."""
        try:
            found = fields(self.body, start, end, self.left)
        except TooLargeError:
            raise self.too_large() from None
        self.spend(len(found))
        return found

    def resource(self, start: int, end: int) -> dict[str, AttributeValue]:
        """Attributes of a resource; one that cannot be read takes neither others nor points."""
        body = self.body
        found: dict[str, AttributeValue] = {}
        for tag, begin, stop in fields(body, start, end, _MOST_FIELDS)[:MOST_PAIRS]:
            if tag == PAIRS:
                try:
                    found.update(pairs_of([body[begin:stop]]))
                except DecodeError as problem:
                    self.note(f"an attribute of a resource: {problem}")
        return found

    def skip(self, position: int, numbers: dict[int, int]) -> int:
        """Pass over a field that is no point, noting those in `numbers`; where the next begins."""
        body = self.body
        tag, position = varint(body, position)
        kind = tag & 7
        if kind == 0:
            value, position = varint(body, position)
            if tag in numbers:
                numbers[tag] = value
            return position
        if kind == 2:
            length, position = varint(body, position)
            return position + length
        if kind in (1, 5):
            return position + (8 if kind == 1 else 4)
        raise BadDataError(f"not protobuf: wire type {kind}")

    def walk(self, data: Place, numbers: dict[int, int]) -> Iterator[Place]:
        """The fields with a length of a message; its numbers are noted."""
        body = self.body
        _, position, stop = data
        try:
            while position < stop:
                begin = position
                position = self.skip(position, numbers)
                if position > stop:
                    raise IndexError
                tag, after = varint(body, begin)
                if tag & 7 == 2:
                    self.spend(1)
                    length, after = varint(body, after)
                    yield tag, after, after + length
        except IndexError:
            raise BadDataError("not protobuf: a field is longer than what holds it") from None
