"""Delta rows of metrics: the points of a batch, packed, until a folder adds them to their series.

Layout: format, numbers of points, distributions and exemplars, then one array after the other,
little-endian, in the order of `_ARRAYS`; the distributions of the points that have one; exemplars.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from math import isnan, nan
from typing import Any, NamedTuple

from otel_fmd.analysis.buckets import Buckets
from otel_fmd.analysis.columns import ColumnReader
from otel_fmd.analysis.point_rows import pack_buckets, unpack_buckets
from otel_fmd.errors import StoreError

_HEAD = struct.Struct("<BIII")
_FORMAT = 1
_ARRAYS = ("q", "q", "b", "q", "q", "d")
_DISTRIBUTION = struct.Struct("<qdd")
_EXEMPLAR = struct.Struct("<qqqd16s8s")


class Measured(NamedTuple):
    """What a histogram's point has besides its sum; limits are None when not known."""

    number: int
    least: float | None
    most: float | None
    buckets: Buckets


class StoredExemplar(NamedTuple):
    """A measurement of a series, and the span in which it was taken; its time in nanoseconds."""

    metric_id: int
    series_id: int
    time_ns: int
    value: float
    trace_id: bytes
    span_id: bytes


class PointColumns(NamedTuple):
    """Points as columns of the same length.

    `distributions` are those of the points of histograms, in their order; `kinds` say which are
    (`analysis.point_state.PointKind`). Times are unix nanoseconds.
    """

    series_ids: Sequence[int]
    metric_ids: Sequence[int]
    kinds: Sequence[int]
    times_ns: Sequence[int]
    starts_ns: Sequence[int]
    values: Sequence[float]
    distributions: Sequence[Measured] = ()
    exemplars: Sequence[StoredExemplar] = ()


def pack(columns: PointColumns) -> bytes:
    """The payload for these points."""
    distributions, exemplars = columns.distributions, columns.exemplars
    head = _HEAD.pack(_FORMAT, len(columns.series_ids), len(distributions), len(exemplars))
    arrays = [array(code, values) for code, values in zip(_ARRAYS, columns[:6], strict=True)]
    parts = [head, *(_little(one).tobytes() for one in arrays)]
    for number, least, most, _ in distributions:
        known = (nan if one is None else one for one in (least, most))
        parts.append(_DISTRIBUTION.pack(number, *known))
    if distributions:
        parts.append(pack_buckets([one.buckets for one in distributions]))
    parts += [_EXEMPLAR.pack(*one) for one in exemplars]
    return b"".join(parts)


def unpack(payload: bytes) -> PointColumns:
    """The columns of a payload.

    Raises:
        StoreError: the payload is of a format that this version does not know.
    """
    payload = bytes(payload)
    version, number, distributions, exemplars = _HEAD.unpack_from(payload)
    if version != _FORMAT:
        raise StoreError(f"metric delta format {version} is unknown; expected {_FORMAT}")
    view, place = memoryview(payload), _HEAD.size
    columns: list[Any] = []
    for code in _ARRAYS:
        values = array(code)
        size = number * values.itemsize
        values.frombytes(view[place : place + size])
        columns.append(_little(values))
        place += size
    reader = ColumnReader(payload, place)
    heads = [_DISTRIBUTION.unpack(reader.take(_DISTRIBUTION.size)) for _ in range(distributions)]
    buckets = unpack_buckets(reader, distributions) if distributions else []
    measured = [
        Measured(count, None if isnan(least) else least, None if isnan(most) else most, found)
        for (count, least, most), found in zip(heads, buckets, strict=True)
    ]
    linked = [
        StoredExemplar(*_EXEMPLAR.unpack(reader.take(_EXEMPLAR.size))) for _ in range(exemplars)
    ]
    series_ids, metric_ids, kinds, times_ns, starts_ns, numbers = columns
    return PointColumns(
        series_ids, metric_ids, kinds, times_ns, starts_ns, numbers, measured, linked
    )


def pack_exemplars(exemplars: Sequence[StoredExemplar]) -> bytes:
    """Exemplars of one series."""
    return b"".join(_EXEMPLAR.pack(*one) for one in exemplars)


def unpack_exemplars(packed: bytes) -> list[StoredExemplar]:
    """The exemplars of `pack_exemplars`."""
    return [StoredExemplar(*one) for one in _EXEMPLAR.iter_unpack(bytes(packed))]


def _little(values: array) -> array:  # type: ignore[type-arg]
    if sys.byteorder == "big":
        values.byteswap()
    return values
