"""Metrics in time-rolled rows: the slots of one series in one hour or day, packed into bytes.

A slot is a minute, a quarter of an hour, or a day. Slots are stored as columns (see `columns`), as
each column is alike in itself.

Layout: version, what columns there are, number of slots that fit, a bitmap of those that are there,
then the columns; `sealed` compresses all but the first byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from otel_fmd.analysis.buckets import Buckets
from otel_fmd.analysis.columns import ColumnReader, pack_list, pack_values, pack_whole
from otel_fmd.errors import StoreError

MINUTES_PER_HOUR, QUARTERS_PER_DAY = 60, 96
_PLAIN, _SEALED = 1, 2
_HAS_LIMITS, _HAS_LAST, _HAS_BUCKETS, _ALL_SINGLE = 1, 2, 4, 8
_WINDOW = -13
_MOST = 2**62


class Slot(NamedTuple):
    """What was measured of one series in one slot.

    Args:
        number: points of a gauge or a sum, measurements of a histogram.
        sum: of their values; of a sum, what it grew by.
        least: the smallest value, and
        most: the largest one; None of sums, and where not known.
        last: of a gauge, its last value.
        buckets: of a histogram.
    """

    number: int
    sum: float
    least: float | None = None
    most: float | None = None
    last: float | None = None
    buckets: Buckets | None = None

    def plus(self, later: Slot) -> Slot:
        """With what was measured after it."""
        return Slot(
            self.number + later.number,
            self.sum + later.sum,
            _pick(min, self.least, later.least),
            _pick(max, self.most, later.most),
            self.last if later.last is None else later.last,
            _together(self.buckets, later.buckets),
        )


def _pick(
    choose: Callable[[float, float], float], one: float | None, other: float | None
) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _together(one: Buckets | None, other: Buckets | None) -> Buckets | None:
    if one is None or other is None:
        return other if one is None else one
    return one.plus(other)


def total_of(slots: Iterable[Slot]) -> Slot | None:
    """All of them, in order of time, as one; None without any."""
    found: Slot | None = None
    for slot in slots:
        found = slot if found is None else found.plus(slot)
    return found


def pack(slots: Mapping[int, Slot], size: int) -> bytes:
    """Slots by their number, below `size`, as bytes."""
    places = sorted(slots)
    ones = [slots[place] for place in places]
    bitmap = sum(1 << place for place in places)
    flags = 0
    # Of the rare slots that lack one, the others keep none either.
    if all(one.least is not None and one.most is not None for one in ones):
        flags |= _HAS_LIMITS
    if all(one.last is not None for one in ones):
        flags |= _HAS_LAST
        if all(one.number == 1 and one.least == one.most == one.last == one.sum for one in ones):
            flags |= _ALL_SINGLE
    if any(one.buckets for one in ones):
        flags |= _HAS_BUCKETS
    parts = [bytes([_PLAIN, flags, size]), bitmap.to_bytes(-(-size // 8), "little")]
    numbers = [min(one.number, _MOST) for one in ones]
    sums = [one.sum for one in ones]
    parts.append(pack_values(sums))
    if not flags & _ALL_SINGLE:
        parts.append(pack_whole(numbers))
        if flags & _HAS_LAST:
            parts.append(pack_values([one.last or 0.0 for one in ones]))
        if flags & _HAS_LIMITS:
            parts.append(pack_values([one.least or 0.0 for one in ones]))
            parts.append(pack_values([one.most or 0.0 for one in ones]))
    if flags & _HAS_BUCKETS:
        parts.append(pack_buckets([one.buckets or Buckets() for one in ones]))
    return b"".join(parts)


def unpack(packed: bytes) -> dict[int, Slot]:
    """The slots, by their number.

    Raises:
        StoreError: they are of a format that this version does not know.
    """
    packed = bytes(packed)
    if packed[:1] == bytes([_SEALED]):
        packed = packed[:1] + zlib.decompress(packed[1:], _WINDOW)
    elif packed[:1] != bytes([_PLAIN]):
        raise StoreError(f"packed points begin with {packed[:1].hex()}; expected 01 or 02")
    flags, size = packed[1], packed[2]
    length = -(-size // 8)
    bitmap = int.from_bytes(packed[3 : 3 + length], "little")
    places = [place for place in range(size) if bitmap >> place & 1]
    reader = ColumnReader(packed, 3 + length)
    many = len(places)
    sums = reader.values(many)
    nothing: list[float | None] = [None] * many
    numbers, last, least, most = [1] * many, nothing, nothing, nothing
    if flags & _ALL_SINGLE:
        last = least = most = list(sums)
    else:
        numbers = reader.whole(many)
        if flags & _HAS_LAST:
            last = list(reader.values(many))
        if flags & _HAS_LIMITS:
            least, most = list(reader.values(many)), list(reader.values(many))
    buckets: Sequence[Buckets | None] = [None] * many
    if flags & _HAS_BUCKETS:
        buckets = unpack_buckets(reader, many)
    columns = zip(numbers, sums, least, most, last, buckets, strict=True)
    return {place: Slot(*one) for place, one in zip(places, columns, strict=True)}


def sealed(packed: bytes) -> bytes:
    """The same in less space, for slots that change no more."""
    packed = bytes(packed)
    if packed[:1] != bytes([_PLAIN]):
        return packed
    compressor = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, 8)
    smaller = compressor.compress(packed[1:]) + compressor.flush()
    return bytes([_SEALED]) + smaller if len(smaller) + 1 < len(packed) else packed


def pack_buckets(found: Sequence[Buckets]) -> bytes:
    """Histograms, one after the other."""
    sides = [side for one in found for side in (one.counts, one.negative)]
    ordered = [sorted(side.items()) for side in sides]
    places = chain.from_iterable(
        [b - a for a, b in pairwise([0, *(place for place, _ in side)])] for side in ordered
    )
    counts = chain.from_iterable([count for _, count in side] for side in ordered)
    return b"".join(
        map(
            pack_list,
            (
                [one.scale for one in found],
                [one.zero for one in found],
                list(map(len, ordered)),
                list(places),
                list(counts),
            ),
        )
    )


def unpack_buckets(reader: ColumnReader, number: int) -> list[Buckets]:
    """So many histograms."""
    scales, zeros, lengths, places, counts = (reader.list_of_whole() for _ in range(5))
    sides: list[dict[int, int]] = []
    at = 0
    for length in lengths:
        side: dict[int, int] = {}
        bucket = 0
        for step, count in zip(places[at : at + length], counts[at : at + length], strict=True):
            bucket += step
            side[bucket] = count
        sides.append(side)
        at += length
    return [
        Buckets(scales[place], zeros[place], sides[2 * place], sides[2 * place + 1])
        for place in range(number)
    ]
