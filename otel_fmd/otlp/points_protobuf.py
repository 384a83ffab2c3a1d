"""OTLP metric requests in protobuf as neutral points.

Numbers, most of all points, are read in place: in the order in which every known SDK writes them,
a point is two times, a value and its attributes, of which nothing is made here. Any other order,
and every other kind of point, is decoded by protobuf. A point that cannot be used is rejected
alone; a body whose points cannot be found raises `BadDataError`.
Source: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from struct import Struct, error
from typing import Any

from google.protobuf.message import DecodeError

from otel_fmd.otlp import metric_messages as messages
from otel_fmd.otlp.errors import BadDataError
from otel_fmd.otlp.point_messages import (
    are_attributes,
    attributes_of,
    exemplars_of,
    key_of,
    quantiles_of,
    read_explicit,
    read_exponential,
    read_summary,
)
from otel_fmd.otlp.points import (
    DecodedPoints,
    check_number,
    check_times,
    kind_of_sum,
)
from otel_fmd.otlp.points_walk import BodyWalker
from otel_fmd.otlp.signal import MOST_RECORDS
from otel_fmd.otlp.values import text_of
from otel_fmd.otlp.wire import RESOURCE, Place, varint
from otel_fmd.signals.metric import (
    CUMULATIVE,
    NO_RECORDED_VALUE,
    Distribution,
    Metric,
    MetricKind,
    PointBlock,
)
from otel_fmd.signals.record import AttributeValue, Resource

_RESOURCE_METRICS, _SCOPE_METRICS, _METRICS = 0x0A, 0x12, 0x12
_NAME, _DESCRIPTION, _UNIT = 0x0A, 0x12, 0x1A
_GAUGE, _SUM, _HISTOGRAM, _EXPONENTIAL, _SUMMARY = 0x2A, 0x3A, 0x4A, 0x52, 0x5A
_POINTS, _TEMPORALITY, _MONOTONIC = 0x0A, 0x10, 0x18
_START, _TIME, _DOUBLE, _INTEGER = 0x11, 0x19, 0x21, 0x31
_VALUES = (_DOUBLE, _INTEGER)
_DOUBLE_POINT, _INTEGER_POINT = Struct("<BQBQBd"), Struct("<BQBQBq")
_VALUE_AT = 18
_HEAD_BYTES = _DOUBLE_POINT.size
_AT_ONCE = 1_024
_LONGEST_REMEMBERED = 512
_MOST_FIELDS = 65_536


def free(_: int) -> None:
    """Count no memory."""


def decode_protobuf(
    body: bytes, most: int = MOST_RECORDS, growing: Callable[[int], None] = free
) -> DecodedPoints:
    """Points of a protobuf `ExportMetricsServiceRequest`.

    `growing` is called with a number of bytes before they are allocated; it may raise.

    Raises:
        BadDataError: the body is no such message.
        TooLargeError: it holds more than `most` messages down to its points.
    """
    decoder = _Decoder(body, most, growing)
    for tag, begin, end in decoder.fields(0, len(body)):
        if tag == _RESOURCE_METRICS:
            decoder.resource_metrics(begin, end)
    return decoder.decoded()


class _Decoder(BodyWalker):
    """Reads one body."""

    def resource_metrics(self, start: int, end: int) -> None:
        """The points of one `ResourceMetrics`."""
        parts = self.fields(start, end)
        attributes: dict[str, AttributeValue] = {}
        raw = b""
        for tag, begin, stop in parts:
            if tag == RESOURCE:
                raw += self.body[begin:stop]
                attributes.update(self.resource(begin, stop))
        resource = Resource(attributes)
        for tag, begin, stop in parts:
            if tag == _SCOPE_METRICS:
                for inner, first, last in self.fields(begin, stop):
                    if inner == _METRICS:
                        self._metric(first, last, resource, raw)

    def _metric(self, start: int, end: int, resource: Resource, raw: bytes) -> None:
        body = self.body
        texts = {_NAME: b"", _DESCRIPTION: b"", _UNIT: b""}
        data: Place | None = None
        for place in self.fields(start, end):
            tag, begin, stop = place
            if tag in texts:
                texts[tag] = body[begin:stop]
            elif tag in _READERS:
                data = place
        if data is None:
            return
        block = PointBlock(Metric(resource, "", "", "", 0, False), b"", attributes_of)
        name, unit = text_of(texts[_NAME]), text_of(texts[_UNIT])
        kind, is_cumulative = _READERS[data[0]](self, data, block, name)
        block.metric = Metric(
            resource, name, unit, text_of(texts[_DESCRIPTION]), kind, is_cumulative
        )
        if not name and block.keys:
            self.rejected += len(block)
            self.note("a metric must have a name")
            return
        head = b"\x00".join([texts[_NAME], texts[_UNIT], b"%d%d" % (kind, is_cumulative)])
        block.key = b"\x00".join([head, raw])
        self.blocks.append(block)
        if kind == MetricKind.SUMMARY:
            self._quantiles(data, block)

    def _numbers(self, data: Place, block: PointBlock, name: str, is_sum: bool) -> tuple[int, bool]:
        """The points of a gauge or a sum; its kind, and whether it is cumulative."""
        _, position, end = data
        numbers = {_TEMPORALITY: 0, _MONOTONIC: 0}
        while position < end:
            before = len(block)
            self.spend(0)
            position = self._some_numbers(position, end, block, name, numbers)
            self.spend(len(block) - before)
        self.weed(block, name)
        if not is_sum:
            return MetricKind.GAUGE, False
        return kind_of_sum(bool(numbers[_MONOTONIC])), numbers[_TEMPORALITY] == CUMULATIVE

    def _some_numbers(  # noqa: C901 - a call for each point would double its cost
        self, position: int, end: int, block: PointBlock, name: str, numbers: dict[int, int]
    ) -> int:
        """The next points, at most `_AT_ONCE`; where the one after them begins."""
        body = self.body
        add_key, add_start = block.keys.append, block.starts_ns.append
        add_time, add_value = block.times_ns.append, block.values.append
        read_double, read_integer = _DOUBLE_POINT.unpack_from, _INTEGER_POINT.unpack_from
        known = are_attributes
        try:
            for _ in repeat(None, _AT_ONCE):
                if position >= end:
                    break
                if body[position] != _POINTS:
                    position = self.skip(position, numbers)
                    continue
                length = body[position + 1]
                position += 2
                if length > 127:
                    length, position = varint(body, position - 1)
                begin, position = position, position + length
                if position > end:
                    raise IndexError
                if length >= _HEAD_BYTES:
                    if body[begin + _VALUE_AT] == _DOUBLE:
                        a, start_ns, b, time_ns, c, value = read_double(body, begin)
                    else:
                        a, start_ns, b, time_ns, c, value = read_integer(body, begin)
                    if a == _START and b == _TIME and c in _VALUES:
                        key = body[begin + _HEAD_BYTES : position]
                        if len(key) <= _LONGEST_REMEMBERED and known(key):
                            add_key(key)
                            add_start(start_ns)
                            add_time(time_ns)
                            add_value(value)
                            continue
                self._number(body[begin:position], block, name)
        except (IndexError, error):
            raise BadDataError("not protobuf: a field is longer than what holds it") from None
        return position

    def _number(self, raw: bytes, block: PointBlock, name: str) -> None:
        """A point in any order of its fields."""
        try:
            point = messages.Number.FromString(raw)
            if point.flags & NO_RECORDED_VALUE:
                return
            if point.HasField("as_double"):
                value = point.as_double
            elif point.HasField("as_int"):
                value = point.as_int
            else:
                raise ValueError("it has no value")
            self._add(point, block, check_number(value))
        except (DecodeError, ValueError) as problem:
            self.reject(name, str(problem))

    def _add(
        self, point: Any, block: PointBlock, value: float, distribution: Distribution | None = None
    ) -> None:
        """Add a point that protobuf decoded.

        Raises:
            ValueError: it cannot be used.
        """
        start_ns, time_ns = point.start_time_unix_nano, point.time_unix_nano
        check_times(start_ns, time_ns)
        key = key_of(point.attributes)
        for exemplar in exemplars_of(getattr(point, "exemplars", ())):
            block.exemplars.append((len(block), exemplar))
        block.keys.append(key)
        block.starts_ns.append(start_ns)
        block.times_ns.append(time_ns)
        block.values.append(value)
        if distribution is not None:
            block.distributions.append(distribution)

    def _distributions(
        self, data: Place, block: PointBlock, name: str, read: Callable[[bytes], Any]
    ) -> tuple[int, bool]:
        """The points of a histogram of either kind, or of a summary."""
        body = self.body
        numbers = {_TEMPORALITY: 0}
        for tag, begin, end in self.walk(data, numbers):
            if tag != _POINTS:
                continue
            try:
                point, found = read(body[begin:end])
                if not point.flags & NO_RECORDED_VALUE:
                    self._add(point, block, found.sum, found)
            except (DecodeError, ValueError) as problem:
                self.reject(name, str(problem))
        return MetricKind.HISTOGRAM, numbers[_TEMPORALITY] == CUMULATIVE

    def _quantiles(self, data: Place, block: PointBlock) -> None:
        """The quantiles of summaries, each a gauge with its quantile as an attribute."""
        gauge = PointBlock(
            block.metric._replace(kind=MetricKind.GAUGE), b"q" + block.key, attributes_of
        )
        for tag, begin, end in self.walk(data, {}):
            if tag != _POINTS:
                continue
            try:
                for key, time_ns, value in quantiles_of(self.body[begin:end]):
                    check_times(0, time_ns)
                    self.spend(1)
                    gauge.keys.append(key)
                    gauge.starts_ns.append(0)
                    gauge.times_ns.append(time_ns)
                    gauge.values.append(value)
            except (DecodeError, ValueError):
                continue  # rejected when its count was read
        self.blocks.append(gauge)


def _read_summary(decoder: _Decoder, data: Place, block: PointBlock, name: str) -> tuple[int, bool]:
    decoder._distributions(data, block, name, read_summary)
    return MetricKind.SUMMARY, True


_READERS: dict[int, Callable[[_Decoder, Place, PointBlock, str], tuple[int, bool]]] = {
    _GAUGE: lambda decoder, *rest: decoder._numbers(*rest, is_sum=False),
    _SUM: lambda decoder, *rest: decoder._numbers(*rest, is_sum=True),
    _HISTOGRAM: lambda decoder, *rest: decoder._distributions(*rest, read_explicit),
    _EXPONENTIAL: lambda decoder, *rest: decoder._distributions(*rest, read_exponential),
    _SUMMARY: _read_summary,
}
