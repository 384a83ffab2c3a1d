"""OTLP/JSON metric requests as neutral points.

The document is walked down to its points, and one at a time is decoded into objects. A point that
cannot be used is rejected alone.
Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from otel_fmd.otlp.errors import BadDataError
from otel_fmd.otlp.json_reader import JsonReader
from otel_fmd.otlp.point_values_json import distribution_of, exemplars_of, quantiles_of, value_of
from otel_fmd.otlp.points import (
    DecodedPoints,
    PointReader,
    check_times,
    kind_of_sum,
    quantile_pair,
)
from otel_fmd.otlp.points_protobuf import free
from otel_fmd.otlp.signal import MOST_RECORDS
from otel_fmd.otlp.values import MOST_PAIRS, json_pairs, whole_number, whole_text
from otel_fmd.signals.metric import (
    CUMULATIVE,
    NO_RECORDED_VALUE,
    Metric,
    MetricKind,
    PointBlock,
)
from otel_fmd.signals.record import AttributeValue, Resource

_DATA = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
_TEXTS = ("name", "unit", "description")


def decode_json(
    body: bytes, most: int = MOST_RECORDS, growing: Callable[[int], None] = free
) -> DecodedPoints:
    """Points of an OTLP/JSON `ExportMetricsServiceRequest`.

    `growing` is called with a number of bytes before they are allocated; it may raise.

    Raises:
        BadDataError: the body is no such document.
        TooLargeError: it holds more than `most` objects down to its points.
    """
    decoder = _Decoder(body, most, growing)
    decoder.request()
    return decoder.decoded()


def attributes_of(key: bytes) -> dict[str, AttributeValue]:
    """The attributes of a point, by its key."""
    return json_pairs(json.loads(key))


class _Decoder(PointReader):
    """Reads one document."""

    def __init__(self, body: bytes, most: int, growing: Callable[[int], None]) -> None:
        super().__init__(most, growing)
        self._reader = JsonReader(body)

    def request(self) -> None:
        """The whole document."""
        self._lists("resourceMetrics", self._resource_metrics)
        self._reader.end()

    def _lists(self, wanted: str, read: Callable[[], None]) -> None:
        """Go through an object, and read each object of its list of that name."""
        reader = self._reader
        for key in reader.object_keys():
            if key == wanted and self._is("[n", f"{wanted} must be a list"):
                for _ in reader.items():
                    self.spend(1)
                    if self._is("{", f"an item of {wanted} must be an object"):
                        read()
            elif key != wanted:
                reader.skip()

    def _resource_metrics(self) -> None:
        reader = self._reader
        # Filled in when it is read, which may be after its points.
        attributes: dict[str, AttributeValue] = {}
        resource = Resource(attributes)
        first = len(self.blocks)
        for key in reader.object_keys():
            if key == "resource":
                attributes.update(self._resource())
            elif key == "scopeMetrics" and self._is("[n", "scopeMetrics must be a list"):
                for _ in reader.items():
                    self.spend(1)
                    if self._is("{", "an item of scopeMetrics must be an object"):
                        self._lists("metrics", lambda: self._metric(resource))
            elif key != "scopeMetrics":
                reader.skip()
        whole = json.dumps(attributes, default=repr).encode()
        for block in self.blocks[first:]:
            block.key = b"\x00".join([b"json", *block.key.split(b"\x00"), whole])

    def _resource(self) -> dict[str, AttributeValue]:
        """Attributes of a resource; one that cannot be read takes neither others nor points."""
        found: dict[str, AttributeValue] = {}
        try:
            value = self._reader.value()[0]
            pairs = value.get("attributes") if isinstance(value, dict) else value
            if value is None or pairs is None:
                return {}
            if not isinstance(pairs, list):
                raise ValueError(f"attributes must be a list; got {str(pairs)[:50]!a}")
        except ValueError as error:
            self.note(f"a resource: {error}")
            return {}
        for pair in pairs[:MOST_PAIRS]:
            try:
                found.update(json_pairs([pair]))
            except ValueError as error:
                self.note(f"a resource: {error}")
        return found

    def _is(self, firsts: str, expected: str) -> bool:
        """Whether what comes next begins so; else it is skipped, which costs no other point."""
        if self._reader.next_is(firsts):
            return True
        self._reader.skip()
        self.note(expected)
        return False

    def _metric(self, resource: Resource) -> None:
        reader = self._reader
        texts = dict.fromkeys(_TEXTS, "")
        block = PointBlock(Metric(resource, "", "", "", 0, False), b"", attributes_of)
        quantiles = PointBlock(block.metric, b"", attributes_of)
        kind, is_cumulative = -1, False
        for key in reader.object_keys():
            if key in texts:
                try:
                    texts[key] = whole_text(reader.value()[0] or "")
                except ValueError as error:
                    self.note(f"{key} of a metric: {error}")
            elif key in _DATA and self._is("{", f"{key} must be an object"):
                kind, is_cumulative = self._data(key, block, quantiles, texts["name"])
            elif key not in _DATA:
                reader.skip()
        if not texts["name"] and block.keys:
            self.rejected += len(block)
            self.note("a metric must have a name")
            return
        name, unit, description = (texts[one] for one in _TEXTS)
        block.metric = Metric(resource, name, unit, description, kind, is_cumulative)
        block.key = f"{name}\x00{unit}\x00{kind}{is_cumulative}".encode()
        quantiles.metric = block.metric._replace(kind=MetricKind.GAUGE)
        quantiles.key = b"q" + block.key
        self.blocks += [block, quantiles]

    def _data(
        self, kind: str, block: PointBlock, quantiles: PointBlock, name: str
    ) -> tuple[int, bool]:
        """The points of a metric; its kind, and whether it is cumulative."""
        reader = self._reader
        numbers: dict[str, Any] = {}
        for key in reader.object_keys():
            if key != "dataPoints":
                try:
                    numbers[key] = reader.value()[0]
                except ValueError as error:
                    self.note(f"{key} of metric {name[:100]!a}: {error}")
                continue
            if not self._is("[n", "dataPoints must be a list"):
                continue
            for _ in reader.items():
                self.spend(1)
                try:
                    self._point(reader.value()[0], kind, block, quantiles)
                except BadDataError:
                    raise
                except ValueError as error:
                    self.reject(name, str(error))
        return _kind_of(kind, numbers)

    def _point(self, point: Any, kind: str, block: PointBlock, quantiles: PointBlock) -> None:
        """One point.

        Raises:
            ValueError: it cannot be used.
        """
        if not isinstance(point, dict):
            raise ValueError("it must be an object")
        if whole_number(point.get("flags") or 0, 0, 2**32 - 1) & NO_RECORDED_VALUE:
            return
        start_ns, time_ns = (
            whole_number(point.get(key) or 0, 0, 2**64 - 1)
            for key in ("startTimeUnixNano", "timeUnixNano")
        )
        check_times(start_ns, time_ns)
        pairs = point.get("attributes") or []
        json_pairs(pairs)
        pairs = pairs[:MOST_PAIRS]
        found = None if kind in ("gauge", "sum") else distribution_of(point, kind)
        value = value_of(point) if found is None else found.sum
        key = json.dumps(pairs, separators=(",", ":")).encode()
        block.exemplars += [(len(block), one) for one in exemplars_of(point.get("exemplars"))]
        block.keys.append(key)
        block.starts_ns.append(start_ns)
        block.times_ns.append(time_ns)
        block.values.append(value)
        if found is not None:
            block.distributions.append(found)
        if kind == "summary":
            for quantile, one in quantiles_of(point):
                self.spend(1)
                named = [*pairs, quantile_pair(quantile)]
                quantiles.keys.append(json.dumps(named, separators=(",", ":")).encode())
                quantiles.starts_ns.append(0)
                quantiles.times_ns.append(time_ns)
                quantiles.values.append(one)


def _kind_of(data: str, numbers: dict[str, Any]) -> tuple[int, bool]:
    is_cumulative = numbers.get("aggregationTemporality") == CUMULATIVE
    if data == "sum":
        return kind_of_sum(numbers.get("isMonotonic") is True), is_cumulative
    return {
        "gauge": (MetricKind.GAUGE, False),
        "summary": (MetricKind.SUMMARY, True),
    }.get(data, (MetricKind.HISTOGRAM, is_cumulative))
