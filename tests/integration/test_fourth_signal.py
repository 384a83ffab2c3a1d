"""A signal that nobody foresaw is served like the others: a record in the list, and no change."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import grpc
import pytest
import requests
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import select

from otel_fmd.config import load
from otel_fmd.exporter import open_pipeline
from otel_fmd.ingest.batch import Batch
from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.flight import Flight
from otel_fmd.otlp.grpc_server import OtlpGrpcServer
from otel_fmd.otlp.http_app import OtlpHttpApp
from otel_fmd.otlp.http_guard import Guard
from otel_fmd.otlp.http_server import HttpServer
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import Limits, ReceiverCounters
from otel_fmd.otlp.signal import Signal
from otel_fmd.otlp.signals import SIGNALS
from otel_fmd.receiver.intake import PipelineIntake
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.store.store import Store

PROTOBUF = {"Content-Type": "application/x-protobuf"}
ORIGIN = "https://shop.example"


class Pulses(NamedTuple):
    """What was read of a body."""

    records: list[int]
    rejected: int
    reason: str
    memory: int


def read_lines(body: bytes, most: int, growing: Callable[[int], None]) -> Pulses:
    """A number a line."""
    return _pulses(body.split(), most, growing)


def read_json(body: bytes, most: int, growing: Callable[[int], None]) -> Pulses:
    """A list of numbers."""
    return _pulses(json.loads(body)["pulses"], most, growing)


def _pulses(found: Sequence[Any], most: int, growing: Callable[[int], None]) -> Pulses:
    if len(found) > most:
        raise TooLargeError(f"more than {most} pulses")
    growing(len(found) * 100)
    try:
        numbers = [int(one) for one in found]
    except ValueError:
        raise BadDataError("a pulse is a number") from None
    good = [number for number in numbers if number > 0]
    rejected = len(numbers) - len(good)
    return Pulses(good, rejected, "no pulse" if rejected else "", 100 * len(good))


def _response() -> type[Any]:
    """An `ExportPulsesServiceResponse`."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="pulses.proto", package="p", syntax="proto3")
    partial = file.message_type.add(name="ExportPulsesPartialSuccess")
    partial.field.add(name="rejected_pulses", number=1, type=field.TYPE_INT64, label=1)
    partial.field.add(name="error_message", number=2, type=field.TYPE_STRING, label=1)
    whole = file.message_type.add(name="ExportPulsesServiceResponse")
    about = whole.field.add(name="partial_success", number=1, type=field.TYPE_MESSAGE, label=1)
    about.type_name = ".p.ExportPulsesPartialSuccess"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    name = "p.ExportPulsesServiceResponse"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


PULSES = Signal(
    name="pulses",
    records="pulses",
    path="/v1/pulses",
    service="health.pulses.v1.PulseService",
    response=_response(),
    decode_protobuf=read_lines,
    decode_json=read_json,
)


THOUGHTS = replace(
    PULSES,
    name="thoughts",
    path="/v1/thoughts",
    service="health.thoughts.v1.ThoughtService",
    decode_protobuf=None,
)


def batch_of(pulses: Sequence[int]) -> Batch:
    """A request for each pulse, so that it can be found again."""
    found = [
        Request(
            "heart", f"pulse {number}", "1", number * 1_000_000, 1_000_000, 200, None, "",
            number.to_bytes(16, "big"), number.to_bytes(8, "big"), NOTHING_MORE, None,
        )
        for number in pulses
    ]  # fmt: skip
    return Batch(found, {"clock_errors": len(found)})


class Receiver(NamedTuple):
    """A receiver of four signals, and what it counts."""

    store: Store
    http: str
    grpc: str
    counters: ReceiverCounters
    refusals: Refusals


@pytest.fixture
def receiver(sqlite_store: Store) -> Iterator[Receiver]:
    """HTTP and gRPC over a real database."""
    pipeline = open_pipeline(sqlite_store, load({}), retry=False)
    intake = PipelineIntake(pipeline, {"pulses": batch_of})
    limits, counters, refusals = Limits(10_000, 10_000, 100), ReceiverCounters(), Refusals()
    signals, flight = (*SIGNALS, PULSES, THOUGHTS), Flight(2**20)
    bound = socket.create_server(("127.0.0.1", 0))
    app = OtlpHttpApp(
        intake, limits, counters, None, [ORIGIN], "", flight, refusals, signals=signals
    )
    http = HttpServer(app, bound, 1, Guard(flight, lambda *_: None))
    rpc = OtlpGrpcServer(intake, limits, counters, "127.0.0.1", 0, 1, "", flight, refusals, signals)
    http.start()
    rpc.start()
    found = Receiver(
        sqlite_store, f"http://127.0.0.1:{http.port}", f"127.0.0.1:{rpc.port}", counters, refusals
    )  # fmt: skip
    yield found
    http.stop()
    rpc.stop()
    assert pipeline.stop(5)


def stored(receiver: Receiver) -> set[str]:
    """The endpoints in the database."""
    tables = receiver.store.tables
    with receiver.store.read() as connection:
        return set(connection.execute(select(tables.endpoint.c.name)).scalars())


def test_it_is_stored_over_http(receiver: Receiver) -> None:
    """In both encodings, each answered in its own, with what was rejected."""
    url = f"{receiver.http}/v1/pulses"
    answer = requests.post(url, b"1\n-2\n3", headers=PROTOBUF, timeout=10)
    partial = PULSES.response.FromString(answer.content).partial_success  # type: ignore[attr-defined]
    assert (answer.status_code, partial.rejected_pulses) == (200, 1)
    assert partial.error_message == "no pulse"
    answer = requests.post(url, json={"pulses": [4]}, timeout=10)
    assert (answer.status_code, answer.json()) == (200, {})
    assert stored(receiver) == {"pulse 1", "pulse 3", "pulse 4"}
    counts = receiver.counters.snapshot()
    assert counts["http", "pulses_received"] == 3
    assert counts["http", "pulses_rejected"] == 1
    assert counts["http", "requests"] == 2


def test_it_is_stored_over_grpc(receiver: Receiver) -> None:
    """By its own service, which health knows."""
    with grpc.insecure_channel(receiver.grpc) as channel:
        export = channel.unary_unary(
            "/health.pulses.v1.PulseService/Export",
            response_deserializer=PULSES.response.FromString,
        )
        assert export(b"5 -6").partial_success.rejected_pulses == 1
        with pytest.raises(grpc.RpcError) as caught:
            export(b"no number")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.RpcError) as caught:
            export(b"1 " * 101)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        check = health_pb2_grpc.HealthStub(channel).Check
        health = check(health_pb2.HealthCheckRequest(service=PULSES.service))
        assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert stored(receiver) == {"pulse 5"}
    assert receiver.counters.snapshot()["grpc", "pulses_received"] == 1
    assert ("grpc", "PulseService/Export", "invalid_argument") in receiver.refusals.counts()


def test_limits_refusals_and_browsers_hold_for_it(receiver: Receiver) -> None:
    """As for traces: sizes, media types, methods, CORS, and refusals by path."""
    url = f"{receiver.http}/v1/pulses"
    large = requests.post(url, b"1 " * 10_000, headers=PROTOBUF, timeout=10)
    many = requests.post(url, b"1 " * 101, headers=PROTOBUF, timeout=10)
    text = requests.post(url, b"1", headers={"Content-Type": "text/plain"}, timeout=10)
    got = requests.get(url, timeout=10)
    bad = requests.post(url, json={"pulses": ["x"]}, timeout=10)
    codes = [one.status_code for one in (large, many, text, got, bad)]
    assert codes == [413, 413, 415, 405, 400]
    assert {path for _, path, _ in receiver.refusals.counts()} == {"/v1/pulses"}
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    preflight = requests.options(url, headers=asked, timeout=10)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    wrong = requests.post(f"{receiver.http}/v1/nothing", b"", headers=PROTOBUF, timeout=10)
    assert (wrong.status_code, b"pulses go to /v1/pulses" in wrong.content) == (404, True)


def test_a_signal_that_is_not_stored_says_what_is(receiver: Receiver) -> None:
    """What a client of it is told names all that is kept."""
    answer = requests.post(f"{receiver.http}/v1/thoughts", json={}, timeout=10)
    told = answer.json()["partialSuccess"]["errorMessage"]
    assert told == (
        "thoughts are not stored here: they were accepted and discarded; "
        "only spans, data_points, log_records, pulses are stored"
    )
    again = requests.post(f"{receiver.http}/v1/thoughts", json={}, timeout=10)
    assert (again.status_code, again.json()) == (200, {})
    assert receiver.counters.snapshot()["http", "thoughts_not_kept"] == 2
