"""Any bytes at all: no crash, no 500, and afterwards a valid batch is stored."""

from __future__ import annotations

import gzip
import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
import requests
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otel_fmd.queries.logs import LogFilter, logs
from otel_fmd.queries.metric_lines import AGGREGATIONS, MetricQuery, metric_lines
from otel_fmd.queries.metrics import Minutes, known_metrics
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.signals import semconv
from otel_fmd.store.store import Store
from tests.integration.test_otlp_http import as_json
from tests.support.logs import log, logs_body
from tests.support.points import counter, gauge, histogram, metrics_body
from tests.support.serving import Served
from tests.support.spans import Spans, attribute, body

KINDS = ("application/x-protobuf", "application/json")
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ALLOWED_GRPC = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def metrics() -> ExportMetricsServiceRequest:
    """Points of now, of several kinds."""
    at_ns = time.time_ns() - 60_000_000_000
    pairs = [("http.route", "/items"), ("n", "1")]
    return metrics_body(
        gauge("memory", 1.5, 2.5, at_ns=at_ns, attributes=pairs),
        counter("hits", 1, 2, 3, at_ns=at_ns, start_ns=at_ns - 1, attributes=pairs),
        histogram("latency", [0.1, 1.0], [1, 2, 3], at_ns=at_ns, temporality=1, total=2.5),
    )


def records() -> ExportLogsServiceRequest:
    """Records of now."""
    at_ns = time.time_ns() - 60_000_000_000
    many = [log(f"line {n}", 17, at_ns=at_ns + n, trace_id=bytes([n + 1] * 16)) for n in range(3)]
    return logs_body(*many, log({"a": 1}, 13, at_ns=at_ns, user="ana"))


_seeds = iter(range(1_000_000))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all examples."""
    folder = tmp_path_factory.mktemp("fuzz")
    server = Served(
        f"sqlite:///{folder / 'fmd.db'}", "--no-dashboard", OTEL_FMD_MAX_BODY_BYTES="32M"
    )
    yield server
    assert server.process.poll() is None
    assert not [line for line in server.errors if "Traceback" in line]
    assert server.metric('otel_fmd_otlp_total{transport="http",event="internal_errors"}') == 0
    assert server.metric('otel_fmd_otlp_total{transport="grpc",event="internal_errors"}') == 0
    server.stop()


@pytest.fixture(autouse=True)
def reached(served: Served) -> Iterator[None]:
    """What a test sends reaches the receiver: one that sends nothing fails."""
    before = asked(served)
    yield
    assert asked(served) > before


def asked(served: Served) -> int:
    """Requests for traces over both transports, whatever became of them."""
    return sum(
        served.metric(f'otel_fmd_otlp_total{{transport="{one}",event="requests"}}')
        for one in ("http", "grpc")
    )


def export(served: Served, data: bytes) -> grpc.StatusCode:
    """The status of a call over gRPC."""
    with grpc.insecure_channel(served.grpc) as channel:
        try:
            channel.unary_unary(EXPORT)(data, timeout=20)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def post(served: Served, data: bytes, kind: str, **headers: str) -> int:
    """The status of a POST."""
    named = {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return requests.post(served.traces, data=data, headers=named, timeout=60).status_code


def is_alive(served: Served) -> None:
    """A valid batch is stored over both transports."""
    before = served.metric("otel_fmd_requests_stored_total")
    assert post(served, body(Spans(50_000_000 + next(_seeds)).many(3)), KINDS[0]) == 200
    data = body(Spans(60_000_000 + next(_seeds)).many(3))
    assert export(served, data) is grpc.StatusCode.OK
    assert served.metric("otel_fmd_requests_stored_total") == before + 6


@MANY
@given(
    data=st.binary(max_size=300), kind=st.sampled_from(KINDS), coding=st.sampled_from(["", "gzip"])
)
def test_raw_bytes_over_http(served: Served, data: bytes, kind: str, coding: str) -> None:
    """Garbage is 400, or happens to be an empty message."""
    sent = gzip.compress(data) if coding and data[:1] > b"\x80" else data
    assert post(served, sent, kind, Content_Encoding=coding) in (200, 400)


@MANY
@given(data=st.binary(max_size=300))
def test_raw_bytes_over_grpc(served: Served, data: bytes) -> None:
    """Garbage is INVALID_ARGUMENT."""
    assert export(served, data) in ALLOWED_GRPC


@MANY
@given(
    seed=st.integers(0, 10_000),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_mutated_protobuf(served: Served, seed: int, changes: list[tuple[int, int]]) -> None:
    """Valid payloads with some bytes changed, over both transports."""
    valid = body(Spans(seed).many(2))
    data = bytearray(valid)
    for place, value in changes:
        data[place % len(data)] = value
    assume(data != valid)
    assert post(served, bytes(data), KINDS[0]) in (200, 400)
    assert export(served, bytes(data)) in ALLOWED_GRPC


OTHER_SIGNALS: dict[str, Any] = {
    "metrics": lambda: (metrics(), "metrics.v1.MetricsService"),
    "logs": lambda: (records(), "logs.v1.LogsService"),
}


@MANY
@given(
    signal=st.sampled_from(sorted(OTHER_SIGNALS)),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_mutated_metrics_and_logs(
    served: Served, signal: str, changes: list[tuple[int, int]]
) -> None:
    """The same for other signals: what can be read is stored, and can be folded and shown."""
    request, service = OTHER_SIGNALS[signal]()
    data = bytearray(request.SerializeToString())
    for place, value in changes:
        data[place % len(data)] = value
    url = f"{served.http}/v1/{signal}"
    answer = requests.post(url, bytes(data), headers={"Content-Type": KINDS[0]}, timeout=60)
    assert answer.status_code in (200, 400)
    method = f"/opentelemetry.proto.collector.{service}/Export"
    with grpc.insecure_channel(served.grpc) as channel:
        try:
            channel.unary_unary(method)(bytes(data), timeout=20)
        except grpc.RpcError as error:
            assert error.code() in ALLOWED_GRPC


def test_what_fuzzing_left_is_folded_and_shown(served: Served) -> None:
    """Whatever names, values and times it has."""
    chance = random.Random(11)
    for number in range(200):
        signal = sorted(OTHER_SIGNALS)[number % 2]
        data = bytearray(OTHER_SIGNALS[signal]()[0].SerializeToString())
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        headers = {"Content-Type": KINDS[0]}
        requests.post(f"{served.http}/v1/{signal}", bytes(data), headers=headers, timeout=60)
    store = Store(served.database_url)
    folder = PointFolder(store)
    while folder.fold(16).deltas:
        pass
    PointRoller(store).roll(10_000)
    minutes = Minutes(0, 2**40, 2**40)
    with Reader(store).snapshot() as snapshot:
        found = known_metrics(snapshot, None)
        for metric in found:
            for aggregation in AGGREGATIONS:
                metric_lines(snapshot, MetricQuery(metric, {}, (), aggregation, minutes))
        entries = logs(snapshot, 0, 2**62, LogFilter(text="e")).found
    store.close()
    assert len(found) > 5
    assert len(entries) > 5


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("NaN")
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON document."""
    found: list[tuple[Any, Any]] = []
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        found.append((document, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


@MANY
@given(seed=st.integers(0, 10_000), place=st.integers(0, 10**6), value=VALUES)
@example(seed=0, place=25, value={"": None})  # the value of `http.method`
def test_mutated_json(served: Served, seed: int, place: int, value: Any) -> None:
    """Valid documents with any part replaced by anything."""
    document = as_json(Spans(seed).many(2))
    found = places(document)
    container, key = found[place % len(found)]
    assume(container[key] != value)
    container[key] = value
    data = json.dumps(document).encode("utf-8", "surrogatepass")
    assert post(served, data, KINDS[1]) in (200, 400)


NAMES = (
    *semconv.METHOD,
    *semconv.STATUS_CODE,
    *semconv.ROUTE,
    *semconv.ADDRESS,
    *semconv.USER,
    *semconv.URL_FULL,
    *semconv.URL_PATH,
    *semconv.URL_QUERY,
    *semconv.URL_SCHEME,
    *semconv.TARGET,
    *semconv.HOST,
    semconv.FLASK_ENDPOINT,
    semconv.MONITOR_LEVEL,
    semconv.FIRST_BYTE_NS,
    semconv.AGENT_VERSION,
    semconv.SERVICE_NAME,
    *semconv.VERSION,
    *(f"fmd.profile.{name}" for name in ("data", "samples", "not_sampled_us", "strings", "lines")),
    *(f"fmd.outlier.{name}" for name in ("headers", "url", "cpu_percent", "stack", "values")),
    *(f"exception.{name}" for name in ("type", "message", "stacktrace", "escaped")),
    "http.request.header.x_y",
    "user_agent.original",
    "server.port",
)
ANY_VALUES = (
    {},
    {"unknownValue": 1},
    *({"stringValue": text} for text in ("", "\0", "\ufffe\U0001f600\u202e", "%FF", "http://[::1")),
    *({"stringValue": text} for text in ("9" * 5_000, "[[[[", "[1, 2]", "NaN")),
    *({"intValue": number} for number in (0, -1, 4, 101, 999, "3", 2**63 - 1, -(2**63))),
    *({"doubleValue": number} for number in ("NaN", "-Infinity", 1.5, -0.0)),
    *({"boolValue": flag} for flag in (True, False)),
    *({"bytesValue": data} for data in ("", "AP8=", "eJwDAAAAAAE=")),
    {"arrayValue": {}},
    {"arrayValue": {"values": [{}, {"kvlistValue": {"values": [{"key": "", "value": {}}]}}]}},
    {"kvlistValue": {"values": [{"key": "a", "value": {"bytesValue": "AAAA"}}]}},
)


@pytest.mark.parametrize("value", ANY_VALUES, ids=lambda value: str(value)[:40])
def test_any_value_in_any_attribute(served: Served, value: Any) -> None:
    """Whatever an attribute of a span, its resource or an event holds, the span is stored."""
    pair = {"value": value}
    before = served.metric("otel_fmd_requests_stored_total")
    made = Spans(next(_seeds) + 70_000_000)
    resources = []
    for name in NAMES:
        (resource,) = as_json(made.many(4))["resourceSpans"]
        resource["resource"] = {"attributes": [pair | {"key": name}]}
        one, *others = resource["scopeSpans"][0]["spans"]
        one["attributes"].append(pair | {"key": name})
        one["endTimeUnixNano"] = str(int(one["startTimeUnixNano"]) + 10**10)  # an outlier
        one["status"] = {"code": 2}
        for span, event in zip(others, ("exception", "fmd.outlier", "fmd.profile"), strict=True):
            attributes = [pair | {"key": name}]
            span["attributes"].append({"key": "fmd.monitor_level", "value": {"intValue": 3}})
            span["events"] = [
                {"name": event, "timeUnixNano": span["endTimeUnixNano"], "attributes": attributes}
            ]
        resources.append(resource)
    data = json.dumps({"resourceSpans": resources}).encode()
    assert post(served, data, KINDS[1]) == 200
    assert served.metric("otel_fmd_requests_stored_total") == before + 4 * len(NAMES)


@pytest.mark.parametrize(
    "make",
    [
        lambda: body([Spans(1).span({f"key{n}": n for n in range(60_000)})]),
        lambda: body([Spans(2).span({"http.route": "x" * 10_000_000})]),
        lambda: body([Spans(3).span({"d": float("nan"), "e": float("inf")})]),
        lambda: body([Spans(4, 2**63).span()]),
        lambda: body([Spans(5).span(end_time_unix_nano=2**64 - 1)]),
        lambda: body([Spans(6).span(start_time_unix_nano=2**64 - 1, end_time_unix_nano=2**64 - 1)]),
        lambda: body([deep(5_000)]),
        lambda: body([deep(60)]),
        lambda: body([exceptional(5_000)]),
    ],
    ids=["attributes", "10 MB", "nan", "future", "long", "end of time", "deep", "nested", "events"],
)
def test_extremes(served: Served, make: Any) -> None:
    """Huge, deep and far-away values."""
    assert post(served, make(), KINDS[0]) in (200, 400)
    is_alive(served)


def deep(levels: int) -> Any:
    """A span with a value nested so deep."""
    span = Spans(7).span()
    made = attribute("deep", "x")
    value = made.value
    for _ in range(min(levels, 45)):
        value = value.array_value.values.add()
    value.int_value = 1
    span.attributes.append(made)
    return span


def exceptional(number: int) -> Any:
    """A failed span with so many events."""
    span = Spans(8).span({})
    span.status.code = 2
    for n in range(number):
        span.events.add(name="exception", time_unix_nano=n)
    return span


def test_deep_json(served: Served) -> None:
    """Nesting beyond what any parser takes is refused by itself, and named; or is no JSON."""
    data = b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = requests.post(served.traces, data=data, headers={"Content-Type": KINDS[1]}, timeout=60)
    assert answer.status_code == 200
    found = answer.json()["partialSuccess"]
    assert found["errorMessage"] == "an item of resourceSpans must be an object"
    assert post(served, data[:-1], KINDS[1]) == 400
    is_alive(served)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00" * 200 + b"\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 10\r\n\r\nabc",
    ],
    ids=["zeros", "negative length", "bad chunk", "long path", "gone in the middle"],
)
def test_raw_sockets(served: Served, raw: bytes) -> None:
    """Broken HTTP, and a client that goes away in the middle: closed, never a success."""
    host, port = served.http.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as one:
        one.sendall(raw)
        one.shutdown(socket.SHUT_WR)
        found = b""
        # What is refused before its end is read may be answered by a reset alone.
        with suppress(ConnectionError):
            while part := one.recv(1_000):
                found += part
    assert not found or found.startswith(b"HTTP/1.1 4"), found
    is_alive(served)


def test_memory_is_given_back(served: Served) -> None:
    """A thousand refused bodies do not grow the process."""
    assert {post(served, b"\xff" * 200_000, KINDS[0]) for _ in range(50)} == {400}
    before = served.rss_mib()
    assert {post(served, b"\xff" * 200_000, KINDS[0]) for _ in range(600)} == {400}
    assert served.rss_mib() < before + 30
