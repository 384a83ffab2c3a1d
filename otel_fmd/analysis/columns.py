"""Columns of numbers in few bytes.

Numbers that are whole, or have up to six decimals but for the noise of adding such numbers (some
units in the last place), are differences in as few bytes as they need: nothing else is lost;
others are doubles, of which the first bytes of all come first, then the second, and so on: then
`zlib` finds what they share.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import pairwise

_CODES = "bhiq"
_WIDTHS = (1, 2, 4, 8)
_MOST_DECIMALS = 6
_DOUBLES = 0xFF
_EXACT = float(2**53)
_MOST = 2**62
_NOISE = 2.0**-50


def _decimals(values: Sequence[float]) -> tuple[int, list[int]] | None:
    """How many decimals they have, at most six, and the whole numbers that this makes of them."""
    decimals, power = 0, 1
    for value in values:
        if not -_EXACT < value * power < _EXACT:
            return None
        while abs(round(value * power) / power - value) > _NOISE * abs(value):
            decimals += 1
            power *= 10
            if decimals > _MOST_DECIMALS or not -_EXACT < value * power < _EXACT:
                return None
    return decimals, [round(value * power) for value in values]


def pack_values(values: Sequence[float]) -> bytes:
    """Numbers, at least one."""
    found = _decimals(values)
    if found is None:
        raw = _little(array("d", values)).tobytes()
        return bytes([_DOUBLES]) + b"".join(raw[place::8] for place in range(8))
    decimals, whole = found
    return pack_whole(whole, decimals)


def pack_whole(values: Sequence[int], decimals: int = 0) -> bytes:
    """Whole numbers, at least one: the first, and differences from one to the next."""
    first = values[0]
    rest = [after - before for before, after in pairwise(values)]
    one, others = _width_of((first,)), _width_of(rest)
    head = bytes([decimals << 4 | others << 2 | one])
    start = first.to_bytes(_WIDTHS[one], "little", signed=True)
    return head + start + _little(array(_CODES[others], rest)).tobytes()


def _width_of(values: Sequence[int]) -> int:
    """The place in `_CODES` of the narrowest type that holds them."""
    low, high = (min(values), max(values)) if values else (0, 0)
    for place, width in enumerate(_WIDTHS[:3]):
        limit = 1 << (8 * width - 1)
        if -limit <= low and high < limit:
            return place
    return 3


def pack_list(values: Sequence[int]) -> bytes:
    """Whole numbers as they are, with their number in front; what is too large is the largest."""
    if values and max(values) > _MOST:
        values = [min(one, _MOST) for one in values]
    width = _width_of(values)
    head = len(values).to_bytes(4, "little") + bytes([width])
    return head + _little(array(_CODES[width], values)).tobytes()


class ColumnReader:
    """Reads columns one after the other."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place

    def take(self, length: int) -> bytes:
        """Bytes as they are."""
        begin, self._place = self._place, self._place + length
        return self._data[begin : self._place]

    def _array(self, code: str, number: int) -> array:  # type: ignore[type-arg]
        values = array(code)
        values.frombytes(self.take(number * values.itemsize))
        return _little(values)

    def values(self, number: int) -> list[float]:
        """Numbers of a slot each."""
        if self._data[self._place] == _DOUBLES:
            self._place += 1
            raw = self.take(8 * number)
            mixed = bytearray(8 * number)
            for place in range(8):
                mixed[place::8] = raw[place * number : (place + 1) * number]
            values = array("d")
            values.frombytes(bytes(mixed))
            return _little(values).tolist()
        power = 10 ** (self._data[self._place] >> 4)
        return [one / power for one in self.whole(number)]

    def whole(self, number: int) -> list[int]:
        """Whole numbers of a slot each, not divided by their decimals."""
        (head,) = self.take(1)
        value = int.from_bytes(self.take(_WIDTHS[head & 3]), "little", signed=True)
        found = [value]
        for difference in self._array(_CODES[head >> 2 & 3], number - 1):
            value += difference
            found.append(value)
        return found

    def list_of_whole(self) -> list[int]:
        """Whole numbers with their number in front."""
        number = int.from_bytes(self.take(4), "little")
        (width,) = self.take(1)
        return self._array(_CODES[width], number).tolist()


def _little(values: array) -> array:  # type: ignore[type-arg]
    if sys.byteorder == "big":
        values.byteswap()
    return values
