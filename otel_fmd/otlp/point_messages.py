"""Points of metrics that protobuf decodes whole: their attributes, exemplars and distributions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import isfinite
from typing import Any

from google.protobuf.message import DecodeError

from otel_fmd.otlp import metric_messages as messages
from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.points import LAST_NS, MOST_EXEMPLARS, MOST_QUANTILES, explicit, exponential
from otel_fmd.otlp.values import MOST_PAIRS, pairs_of
from otel_fmd.otlp.wire import encoded, fields
from otel_fmd.signals.metric import Distribution, Exemplar
from otel_fmd.signals.record import AttributeValue

_ATTRIBUTES = 0x3A
"""The tag of attributes in a number's point; keys have it, whatever their point is."""
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)


@lru_cache(32_768)
def are_attributes(data: bytes) -> bool:
    """Whether these bytes are a point's attributes and nothing else, all of them readable."""
    try:
        places = fields(data, 0, len(data), MOST_PAIRS)
        if any(tag != _ATTRIBUTES for tag, _, _ in places):
            return False
        pairs_of(data[begin:end] for _, begin, end in places)
    except (BadDataError, TooLargeError, DecodeError):
        return False
    # Numbers between the fields are passed over in silence: flags are among them.
    return sum(end - begin + _overhead(end - begin) for _, begin, end in places) == len(data)


def _overhead(length: int) -> int:
    return 1 + len(encoded(length))


def attributes_of(key: bytes) -> dict[str, AttributeValue]:
    """The attributes of a point, by its key."""
    places = fields(key, 0, len(key), MOST_PAIRS)
    return pairs_of(key[begin:end] for tag, begin, end in places if tag == _ATTRIBUTES)


def key_of(attributes: Iterable[bytes]) -> bytes:
    """The key of a point that was decoded by protobuf.

    Raises:
        ValueError: the attributes cannot be read.
    """
    parts = list(attributes)[:MOST_PAIRS]
    key = b"".join(bytes([_ATTRIBUTES]) + encoded(len(part)) + part for part in parts)
    try:
        attributes_of(key)
    except DecodeError as problem:
        raise ValueError(f"an attribute: {problem}") from None
    return key


def quantiles_of(raw: bytes) -> Iterator[tuple[bytes, int, float]]:
    """The quantiles of a summary's point that have a value: key, time and value.

    Raises:
        DecodeError: it is none.
    """
    point = messages.Summary.FromString(raw)
    for part in point.quantile_values[:MOST_QUANTILES]:
        one = messages.Quantile.FromString(part)
        if isfinite(one.value):
            yield (
                key_of(point.attributes) + _quantile_attribute(one.quantile),
                point.time_unix_nano,
                one.value,
            )


def _quantile_attribute(quantile: float) -> bytes:
    text = f"{quantile:g}".encode()
    value = b"\x0a" + encoded(len(text)) + text
    pair = b"\x0a\x08quantile\x12" + encoded(len(value)) + value
    return bytes([_ATTRIBUTES]) + encoded(len(pair)) + pair


def exemplars_of(parts: Iterable[bytes]) -> Iterator[Exemplar]:
    """Those that name a span; one that cannot be read costs nothing else."""
    for part in list(parts)[:MOST_EXEMPLARS]:
        try:
            one = messages.Exemplar.FromString(part)
        except DecodeError:
            continue
        value = one.as_double if one.HasField("as_double") else float(one.as_int)
        trace_id, span_id = one.trace_id, one.span_id
        if (
            len(trace_id) == 16 and len(span_id) == 8
            and trace_id != _ZERO_TRACE and span_id != _ZERO_SPAN
            and isfinite(value) and 0 < one.time_unix_nano <= LAST_NS
        ):  # fmt: skip
            yield Exemplar(one.time_unix_nano, value, trace_id, span_id)


def _optional(point: Any, field: str) -> float | None:
    return getattr(point, field) if point.HasField(field) else None


def read_explicit(raw: bytes) -> tuple[Any, Distribution]:
    """An explicit histogram's point, and its value; a `ValueError` says that it cannot be used."""
    point = messages.Histogram.FromString(raw)
    return point, explicit(
        point.count,
        point.sum,
        _optional(point, "min"),
        _optional(point, "max"),
        point.explicit_bounds,
        point.bucket_counts,
    )


def read_exponential(raw: bytes) -> tuple[Any, Distribution]:
    """An exponential histogram's point, and its value; as `read_explicit`."""
    point = messages.Exponential.FromString(raw)
    positive, negative = (
        messages.Buckets.FromString(part) for part in (point.positive, point.negative)
    )
    return point, exponential(
        point.count,
        point.sum,
        _optional(point, "min"),
        _optional(point, "max"),
        point.scale,
        point.zero_count,
        (positive.offset, positive.bucket_counts),
        (negative.offset, negative.bucket_counts),
    )


def read_summary(raw: bytes) -> tuple[Any, Distribution]:
    """A summary's point, and its count and sum."""
    point = messages.Summary.FromString(raw)
    return point, explicit(point.count, point.sum, None, None, (), ())
