"""Overload and a store that is down, as clients of both transports see them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
import requests
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otel_fmd.config import load
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.otlp import spans_protobuf
from otel_fmd.serve import Server
from otel_fmd.store.store import Store
from tests.support.spans import Spans, body, payload
from tests.support.waiting import wait_for

PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture
def server(new_url: Callable[[str], str]) -> Iterator[Server]:
    """A server in this process, with a queue of 512 requests."""
    settings = load(
        {},
        database_url=new_url("sqlite"),
        otlp_http_port=0,
        otlp_grpc_port=0,
        dashboard=False,
        queue_requests=512,
    )
    one = Server(settings)
    one.start()
    yield one
    one.stop()


def test_a_full_queue_is_429_and_resource_exhausted(server: Server) -> None:
    """At once, with a delay; and what was taken is stored when the store goes on."""
    hold = server.store.write_lock
    hold.acquire()
    try:
        url = server.addresses["otlp-http"] + "/v1/traces"
        threads = [
            threading.Thread(
                target=requests.post,
                args=(url, body(Spans(seed).many(300))),
                kwargs={"headers": PROTOBUF, "timeout": 60},
            )
            for seed in range(2)
        ]
        threads[0].start()
        wait_for(lambda: server.pipeline.waiting >= 300, what="the first batch waits")
        answer = requests.post(url, body(Spans(3).many(300)), headers=PROTOBUF, timeout=10)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        with (
            grpc.insecure_channel(server.addresses["otlp-grpc"].removeprefix("http://")) as channel,
            pytest.raises(grpc.RpcError) as caught,
        ):
            TraceServiceStub(channel).Export(payload(Spans(4).many(300)))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status = Status.FromString(
            dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
        )
        delay = RetryInfo()
        assert status.details[0].Unpack(delay)
        assert delay.retry_delay.seconds >= 1
    finally:
        hold.release()
    threads[0].join()
    assert server.pipeline.counters.stored == 300
    assert server.pipeline.counters.refused == 600


def test_a_body_that_cannot_fit_is_refused_before_it_is_decoded(server: Server) -> None:
    """By the size that spans had lately: this one would be a bad request, could it be read."""
    url = server.addresses["otlp-http"] + "/v1/traces"
    for seed in range(20):
        data = body(Spans(seed).many(50))
        assert requests.post(url, data, headers=PROTOBUF, timeout=10).ok
    with server.store.write_lock:
        waiting = threading.Thread(
            target=requests.post,
            args=(url, body(Spans(30).many(300))),
            kwargs={"headers": PROTOBUF, "timeout": 60},
        )
        waiting.start()
        wait_for(lambda: server.pipeline.waiting >= 300, what="the first batch waits")
        small = requests.post(url, b"no protobuf", headers=PROTOBUF, timeout=10)
        large = requests.post(url, b"no protobuf" * 20_000, headers=PROTOBUF, timeout=10)
        assert (small.status_code, large.status_code) == (400, 429)
    waiting.join()
    assert server.pipeline.counters.stored == 1_300
    assert server.pipeline.counters.refused > 200


def test_bad_bodies_give_their_room_back(server: Server) -> None:
    """More of them than the queue could hold, and then as much good as fits."""
    url = server.addresses["otlp-http"] + "/v1/traces"
    for _ in range(20):
        assert requests.post(url, b"?" * 100_000, headers=PROTOBUF, timeout=10).status_code == 400
    assert requests.post(url, body(Spans(1).many(500)), headers=PROTOBUF, timeout=10).ok
    assert server.pipeline.counters.refused == 0


def test_bodies_that_come_at_once_are_not_decoded_in_vain(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is decoded its room is taken: the others are told so at once."""
    url = server.addresses["otlp-http"] + "/v1/traces"
    for seed in range(20):
        assert requests.post(url, body(Spans(seed).many(50)), headers=PROTOBUF, timeout=10).ok
    decoding, go_on = threading.Event(), threading.Event()
    real = spans_protobuf._Decoder

    def slow(*arguments: Any) -> Any:
        decoding.set()
        assert go_on.wait(30)
        return real(*arguments)

    monkeypatch.setattr(spans_protobuf, "_Decoder", slow)
    answers: list[int] = []

    def send(seed: int) -> None:
        data = body(Spans(seed).many(300))
        answers.append(requests.post(url, data, headers=PROTOBUF, timeout=60).status_code)

    first = threading.Thread(target=send, args=(30,))
    first.start()
    assert decoding.wait(30)
    for seed in range(31, 36):
        send(seed)
    assert answers == [429] * 5
    go_on.set()
    first.join()
    assert answers == [429] * 5 + [200]


def test_no_answer_waits_for_an_acknowledgement(server: Server) -> None:
    """Nagle's algorithm is off: an answer of two writes would wait 40 ms for the client's."""
    with requests.Session() as session:
        assert session.get(server.addresses["otlp-http"] + "/healthz", timeout=10).ok
        (connection,) = server._http._server.server_state.connections  # type: ignore[union-attr]
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_store_that_is_down_is_unavailable_over_grpc(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UNAVAILABLE with a delay, and no detail of the database."""

    def broken(*_: object) -> None:
        raise StoreUnavailableError("secret address")

    monkeypatch.setattr(Store, "write", broken)
    with grpc.insecure_channel(server.addresses["otlp-grpc"].removeprefix("http://")) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            TraceServiceStub(channel).Export(payload(Spans(5).many(3)))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "secret" not in caught.value.details()
    status = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    assert status.details[0].Is(RetryInfo.DESCRIPTOR)
