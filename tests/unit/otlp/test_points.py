"""What a body of metrics becomes: the same points from both encodings, bad ones rejected alone."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.points import RECORD_BYTES, DecodedPoints
from otel_fmd.otlp.points_json import decode_json
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.signals.metric import MetricKind, Point
from tests.support.points import START_NS, counter, gauge, histogram, metrics_body

TRACE, SPAN = bytes(range(16)), bytes(range(8))


def as_json(request: ExportMetricsServiceRequest) -> bytes:
    """As OTLP/JSON has it: ids in hex."""
    document = json_format.MessageToDict(request, use_integers_for_enums=True)
    text = json.dumps(document)
    for name, data in (("traceId", TRACE), ("spanId", SPAN)):
        encoded = json_format.MessageToDict(exemplar_point())["exemplars"][0][name]
        text = text.replace(f'"{name}": "{encoded}"', f'"{name}": "{data.hex()}"')
    return text.encode()


def exemplar_point() -> Any:
    """A number with an exemplar."""
    metric = gauge("seen", 1.5)
    point = metric.gauge.data_points[0]
    point.exemplars.add(time_unix_nano=START_NS, as_double=0.25, trace_id=TRACE, span_id=SPAN)
    return point


def both(request: ExportMetricsServiceRequest) -> list[DecodedPoints]:
    """Read from either encoding."""
    return [decode_protobuf(request.SerializeToString()), decode_json(as_json(request))]


def points(decoded: DecodedPoints) -> list[Point]:
    """The points without what differs: the mapping types of attributes."""
    return [one._replace(attributes=dict(one.attributes)) for one in decoded.points]


def everything() -> ExportMetricsServiceRequest:
    """A point of every kind, and some that are hard to read in place."""
    seen = Metric(name="seen")
    seen.gauge.data_points.append(exemplar_point())
    late_flags = gauge("flags", 3.5)
    late_flags.gauge.data_points[0].flags = 2
    exponential = Metric(name="latency", unit="s")
    exponential.exponential_histogram.aggregation_temporality = 1  # type: ignore[assignment]
    one = exponential.exponential_histogram.data_points.add(
        start_time_unix_nano=START_NS, time_unix_nano=START_NS + 5, count=7, sum=3.5, scale=3,
        zero_count=1, min=0.0, max=2.0,
    )  # fmt: skip
    one.positive.offset, one.negative.offset = -4, 2
    one.positive.bucket_counts.extend([1, 0, 3])
    one.negative.bucket_counts.extend([2])
    summary = Metric(name="rpc", unit="ms")
    two = summary.summary.data_points.add(time_unix_nano=START_NS, count=4, sum=8.0)
    two.quantile_values.add(quantile=0.5, value=2.0)
    two.quantile_values.add(quantile=0.99, value=math.nan)
    pairs = [("http.route", "/a"), ("http.request.method", "GET")]
    return metrics_body(
        gauge("memory", 10, 2.5, unit="By", attributes=pairs),
        counter("hits", 1, 2, 3, attributes=pairs, start_ns=START_NS - 1),
        counter("queue", 5, -2, monotonic=False),
        histogram("duration", [0.1, 1.0], [1, 2, 3], [2, 2, 3], total=4.5, attributes=pairs),
        seen,
        late_flags,
        exponential,
        summary,
    )


def test_every_kind_of_point_is_read_from_both_encodings() -> None:
    """With the same result; in place or by protobuf makes no difference."""
    request = everything()
    first, second = both(request)
    assert points(first) == points(second)
    assert (first.rejected, second.rejected, first.reason, second.reason) == (0, 0, "", "")
    found = {(one.metric.name, one.metric.kind): one for one in points(first)}
    assert len(first.points) == 14 == len(list(first.points))
    memory = found["memory", MetricKind.GAUGE]
    assert memory.attributes == {"http.route": "/a", "http.request.method": "GET"}
    assert (memory.value, memory.time_ns) == (2.5, START_NS + 1_000_000_000)
    assert memory.metric.resource.attributes["service.name"] == "shop"
    assert found["hits", MetricKind.SUM].metric.is_cumulative
    assert found["queue", MetricKind.UP_DOWN].value == -2
    duration = found["duration", MetricKind.HISTOGRAM].distribution
    assert duration is not None
    assert (duration.number, duration.sum, duration.bounds) == (7, 4.5, (0.1, 1.0))
    assert duration.counts == {0: 2, 1: 2, 2: 3}
    latency = found["latency", MetricKind.HISTOGRAM].distribution
    assert latency is not None
    assert (latency.scale, latency.zero, latency.least, latency.most) == (3, 1, 0.0, 2.0)
    assert (latency.counts, latency.negative) == ({-4: 1, -2: 3}, {2: 2})
    assert not found["latency", MetricKind.HISTOGRAM].metric.is_cumulative
    assert found["rpc", MetricKind.SUMMARY].value == 8.0
    median = found["rpc", MetricKind.GAUGE]
    assert (median.attributes, median.value) == ({"quantile": "0.5"}, 2.0)
    for decoded in (first, second):
        exemplars = [one for block in decoded.points.blocks for one in block.exemplars]
        assert exemplars == [(0, (START_NS, 0.25, TRACE, SPAN))]


def spoil(request: ExportMetricsServiceRequest, **changes: Any) -> ExportMetricsServiceRequest:
    """Change the first point of a body of one gauge."""
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    for name, value in changes.items():
        setattr(point, name, value)
    return request


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"time_unix_nano": 0}, "its time must be set"),
        ({"time_unix_nano": 2**64 - 1}, "its time must be set"),
        ({"start_time_unix_nano": 2**64 - 1}, "its start must be before 2262"),
        ({"as_double": math.nan}, "its value must be a finite number; got nan"),
        ({"as_double": -math.inf}, "its value must be a finite number; got -inf"),
    ],
)
def test_a_point_that_cannot_be_used_is_rejected_alone(changes: dict[str, Any], why: str) -> None:
    """The others of its metric are kept, and the answer says which and why."""
    for decoded in both(spoil(metrics_body(gauge("load", 1.0, 2.0, 3.0)), **changes)):
        assert [one.value for one in decoded.points] == [2.0, 3.0]
        assert decoded.rejected == 1
        assert decoded.reason.startswith(f"a point of 'load': {why}")


def test_a_series_that_has_no_value_now_is_no_fault() -> None:
    """The flag says so; nothing is kept and nothing rejected."""
    request = spoil(metrics_body(gauge("load", 1.0, 2.0)), flags=1)
    for decoded in both(request):
        assert ([one.value for one in decoded.points], decoded.rejected) == ([2.0], 0)


def test_histograms_that_contradict_themselves_are_rejected() -> None:
    """Buckets and bounds that do not fit, counts that are not their sum, bounds that fall."""
    good = histogram("d", [1.0, 2.0], [1, 1, 1])
    few = histogram("d", [1.0, 2.0], [1, 1])
    other = histogram("d", [1.0], [1, 1])
    other.histogram.data_points[0].count = 3
    falling = histogram("d", [2.0, 1.0], [1, 1, 1])
    for decoded in both(metrics_body(good, few, other, falling)):
        assert (len(decoded.points), decoded.rejected) == (1, 3)
        assert "2 buckets with 2 bounds" in decoded.reason


def test_a_metric_without_a_name_is_rejected() -> None:
    """There is no series that its points could belong to."""
    for decoded in both(metrics_body(gauge("", 1.0, 2.0), gauge("named", 3.0))):
        assert (len(decoded.points), decoded.rejected) == (1, 2)
        assert decoded.reason == "a metric must have a name"


def test_too_many_points_cost_nothing() -> None:
    """They are refused before they take memory, in either encoding."""
    request = metrics_body(gauge("load", *map(float, range(3_000))))
    grown: list[int] = []
    for decode, data in (
        (decode_protobuf, request.SerializeToString()),
        (decode_json, as_json(request)),
    ):
        grown.clear()
        with pytest.raises(TooLargeError, match="more than 2000 points"):
            decode(data, 2_000, grown.append)
        assert sum(grown) <= 2_100 * RECORD_BYTES


def test_text_that_is_not_utf8_costs_no_point() -> None:
    """It is replaced."""
    request = metrics_body(gauge("MARK", 1.0, attributes=[("MARK", "MARK")]))
    data = request.SerializeToString().replace(b"MARK", b"\xff\xfe\xe2\x28")
    (point,) = decode_protobuf(data).points
    assert point.metric.name == "\ufffd\ufffd\ufffd("
    assert point.attributes == {"\ufffd\ufffd\ufffd(": "\ufffd\ufffd\ufffd("}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else is raised."""
    for decode in (decode_protobuf, decode_json):
        try:
            list(decode(data).points)
        except (BadDataError, TooLargeError):
            pass


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    """A body that is nearly right."""
    data = bytearray(everything().SerializeToString())
    for place, byte in changes:
        data[place % len(data)] = byte
    try:
        for point in decode_protobuf(bytes(data)).points:
            assert math.isfinite(point.value)
            assert 0 < point.time_ns < 2**63
    except (BadDataError, TooLargeError):
        pass


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_PATHS = [
    *("dataPoints", "gauge", "name", "unit", "attributes"),
    *("asDouble", "timeUnixNano", "flags", "explicitBounds", "bucketCounts"),
    *("count", "positive", "scale", "quantileValues", "exemplars"),
    *("metrics", "scopeMetrics", "resource", "isMonotonic", "sum"),
    *("min"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_PATHS), _ANY)
def test_any_value_in_any_place_of_json_is_read_or_refused(key: str, value: Any) -> None:
    """A point that cannot be read costs the others nothing."""
    document = json.loads(as_json(everything()))

    def put(holder: Any) -> None:
        if isinstance(holder, dict):
            if key in holder:
                holder[key] = value
            for inner in holder.values():
                put(inner)
        elif isinstance(holder, list):
            for inner in holder[:1]:
                put(inner)

    put(document)
    try:
        for point in decode_json(json.dumps(document).encode()).points:
            assert math.isfinite(point.value)
    except (BadDataError, TooLargeError):
        pass
