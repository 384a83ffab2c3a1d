"""OTLP/gRPC: TraceService and health, against a started server."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from tests.support.serving import Served
from tests.support.spans import Spans, payload

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a small limit."""
    folder = tmp_path_factory.mktemp("grpc")
    server = Served(
        f"sqlite:///{folder / 'fmd.db'}", "--no-dashboard", OTEL_FMD_MAX_BODY_BYTES="1M"
    )
    yield server
    assert server.stop() == 0


@pytest.fixture
def channel(served: Served) -> Iterator[grpc.Channel]:
    """A channel to it."""
    with grpc.insecure_channel(served.grpc) as one:
        yield one


@pytest.mark.parametrize("coding", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_spans_are_stored(served: Served, channel: grpc.Channel, coding: int) -> None:
    """Plain and with gzip; the answer has no partial success."""
    before = served.metric("otel_fmd_requests_stored_total")
    answer = TraceServiceStub(channel).Export(
        payload(Spans(int(coding)).many(9)), compression=coding
    )
    assert not answer.HasField("partial_success")
    assert served.metric("otel_fmd_requests_stored_total") == before + 9


def test_unusable_spans_are_rejected_alone(channel: grpc.Channel) -> None:
    """A partial success that says why."""
    spans = [Spans(1).span(trace_id=b"x"), Spans(2).span()]
    answer = TraceServiceStub(channel).Export(payload(spans))
    assert answer.partial_success.rejected_spans == 1
    assert "trace_id" in answer.partial_success.error_message


def test_bad_data_is_invalid_argument(channel: grpc.Channel) -> None:
    """With BadRequest details."""
    call = channel.unary_unary(EXPORT, None, ExportTraceServiceResponse.FromString)
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = BadRequest()
    assert _status(caught.value).details[0].Unpack(details)
    assert details.field_violations


@pytest.mark.parametrize("coding", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_not_to_be_retried(channel: grpc.Channel, coding: int) -> None:
    """RESOURCE_EXHAUSTED without RetryInfo, before and after decompression."""
    large = payload(Spans(3).many(1), filler="x" * 1_100_000)
    with pytest.raises(grpc.RpcError) as caught:
        TraceServiceStub(channel).Export(large, compression=coding)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = dict(caught.value.trailing_metadata() or ())
    details = found.get("grpc-status-details-bin", b"")
    assert not Status.FromString(details).details


def test_health(channel: grpc.Channel) -> None:
    """grpc.health.v1, for the server and the service."""
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", "opentelemetry.proto.collector.trace.v1.TraceService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def _status(error: grpc.RpcError) -> Status:
    found = dict(error.trailing_metadata())
    return Status.FromString(found["grpc-status-details-bin"])
