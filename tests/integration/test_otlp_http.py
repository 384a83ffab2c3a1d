"""OTLP/HTTP: every line of what a receiver owes its clients, against a started server."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import socket
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import zstandard
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind
from requests.adapters import HTTPAdapter
from sqlalchemy import select

from otel_fmd.store.store import Store
from tests.support.load import RetryingClient, assert_exactly_once, finish
from tests.support.logs import log, logs_body
from tests.support.points import gauge, metrics_body
from tests.support.requirements import program
from tests.support.serving import Served
from tests.support.spans import Spans, body, payload
from tests.support.waiting import wait_for

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A server with small limits, and CORS for one origin."""
    folder = tmp_path_factory.mktemp("http")
    server = Served(
        f"sqlite:///{folder / 'fmd.db'}",
        "--no-dashboard",
        OTEL_FMD_MAX_BODY_BYTES="1M",
        OTEL_FMD_ALLOWED_ORIGINS="https://shop.example",
    )
    yield server
    assert server.stop() == 0


def as_json(spans: list) -> dict:
    """OTLP/JSON: hex ids, enums as integers."""
    document = MessageToDict(payload(spans), use_integers_for_enums=True)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for key in ("traceId", "spanId"):
            span[key] = base64.b64decode(span[key]).hex()
    return document


def post(served: Served, data: bytes | str, **headers: str) -> requests.Response:
    """A POST of protobuf, unless the headers say otherwise."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return requests.post(served.traces, data=data, headers={**PROTOBUF, **named}, timeout=20)


def client_at(address: str) -> requests.Session:
    """A client with an address of its own."""

    class FromAddress(HTTPAdapter):
        def init_poolmanager(self, *arguments: object, **options: object) -> None:
            super().init_poolmanager(*arguments, source_address=(address, 0), **options)

    session = requests.Session()
    session.mount("http://", FromAddress())
    return session


def stored_ids(served: Served) -> set[bytes]:
    """The span ids in the database."""
    store = Store(served.database_url)
    with store.read() as connection:
        found = {
            bytes(i) for i in connection.execute(select(store.tables.request.c.span_id)).scalars()
        }
    store.close()
    return found


def test_protobuf_is_stored_before_it_is_acknowledged(served: Served) -> None:
    """200, an empty response of the same type, and the spans are durable."""
    spans = Spans(1).many(20)
    answer = post(served, body(spans))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert {span.span_id for span in spans} <= stored_ids(served)


def test_json_is_stored(served: Served) -> None:
    """Hex ids of any case; 64-bit integers as text; unknown fields ignored."""
    spans = Spans(2).many(5)
    document = as_json(spans)
    document["somethingNew"] = {"a": 1}
    first = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    first["traceId"] = first["traceId"].upper()
    first["startTimeUnixNano"] = int(first["startTimeUnixNano"])
    answer = requests.post(served.traces, json=document, timeout=10)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Content-Type"] == "application/json"
    assert {span.span_id for span in spans} <= stored_ids(served)


def test_every_coding_that_exporters_offer_is_accepted(served: Served) -> None:
    """And any other refused with 415."""
    codings = {
        "gzip": gzip.compress,
        "x-gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.compress,
        "identity": bytes,
    }
    for seed, (coding, compress) in enumerate(codings.items()):
        spans = Spans(300 + seed).many(5)
        sent = compress(body(spans))
        assert post(served, sent, Content_Encoding=coding).status_code == 200
        assert {span.span_id for span in spans} <= stored_ids(served)
    answer = post(served, body(spans), Content_Encoding="br")
    assert answer.status_code == 415
    assert "br" in Status.FromString(answer.content).message


@pytest.mark.parametrize("compression", list(Compression))
def test_every_compression_of_pythons_exporter_is_taken(
    served: Served, compression: Compression
) -> None:
    """The SDK itself, with each value that it offers."""
    exporter = OTLPSpanExporter(served.traces, compression=compression)
    provider = TracerProvider(resource=Resource({"service.name": f"python {compression.value}"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("task", kind=SpanKind.CONSUMER) as span:
        identity = span.get_span_context().span_id
    provider.shutdown()
    assert identity.to_bytes(8, "big") in stored_ids(served)


@pytest.mark.parametrize("path", ["/v1/traces/", "//v1/traces", "/v1//traces"])
def test_slashes_too_many_do_no_harm(served: Served, path: str) -> None:
    """An endpoint with a slash at its end, as many write it."""
    spans = Spans(len(path)).many(2)
    answer = requests.post(served.http + path, data=body(spans), headers=PROTOBUF, timeout=10)
    assert answer.status_code == 200
    assert {span.span_id for span in spans} <= stored_ids(served)


def test_points_are_stored_and_bad_ones_are_said(served: Served) -> None:
    """In either encoding; what is sent again changes nothing."""
    at_ns = time.time_ns() - 60_000_000_000
    request = metrics_body(gauge("load", 1.0, math.nan, 3.0, at_ns=at_ns))
    url, name = f"{served.http}/v1/metrics", "otel_fmd_points_stored_total"
    before = served.metric(name)
    for _ in range(2):
        answer = requests.post(url, request.SerializeToString(), headers=PROTOBUF, timeout=10)
        partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
        assert (answer.status_code, partial.rejected_data_points) == (200, 1)
        assert "a finite number; got nan" in partial.error_message
    assert served.metric(name) == before + 4
    wait_for(lambda: served.metric("otel_fmd_points_duplicates_total") >= 2, 60, "folded")


def test_log_records_are_stored_and_the_rest_is_said_once(served: Served) -> None:
    """Those below WARN are no failure: rejected 0, and a message for each client."""
    url, name = f"{served.http}/v1/logs", "otel_fmd_log_records_{}_total"
    data = logs_body(log("debug", 5), log("error", 17, at_ns=time.time_ns())).SerializeToString()
    before = [served.metric(name.format(what)) for what in ("stored", "not_kept")]
    with client_at("127.0.0.2") as other:
        first = other.post(url, data=data, headers=PROTOBUF, timeout=10)
        partial = ExportLogsServiceResponse.FromString(first.content).partial_success
        assert (first.status_code, partial.rejected_log_records) == (200, 0)
        assert "1 log records were not kept" in partial.error_message
        again = other.post(url, data=data, headers=PROTOBUF, timeout=10)
        assert (again.status_code, again.content) == (200, b"")
    after = [served.metric(name.format(what)) for what in ("stored", "not_kept")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2]


@pytest.mark.parametrize(
    ("agent", "is_told"),
    [
        ("OTel OTLP Exporter Go/1.47.0", False),
        ("OTel Go OTLP over HTTP/protobuf metrics exporter/1.47.0", False),
        ("OTel Go OTLP over gRPC metrics exporter/1.47.0 grpc-go/1.75.0", False),
        ("OTel-OTLP-Exporter-Rust/0.33.1", False),
        ("OpenTelemetry Collector Contrib/0.165.0 (linux/amd64)", False),
        ("mine/1 (linux/arm64)", False),
        ("OTel-OTLP-Exporter-Python/1.45.1", True),
        ("OTel-OTLP-Exporter-Java/1.68.0", True),
        ("OTel-OTLP-Exporter-JavaScript/0.219.0", True),
        ("curl/8", True),
    ],
)
def test_who_logs_a_partial_success_as_a_failure_is_not_told(
    served: Served, agent: str, is_told: bool
) -> None:
    """That logs are not kept is no fault of the app, and no line in its log."""
    url, headers = f"{served.http}/v1/logs", {**PROTOBUF, "User-Agent": agent}
    data = logs_body(log("debug", 5)).SerializeToString()
    answers = [requests.post(url, data=data, headers=headers, timeout=10) for _ in range(2)]
    assert [bool(answer.content) for answer in answers] == [is_told, False]


def test_what_is_refused_is_counted_by_path_and_status(served: Served) -> None:
    """So that an operator sees an exporter that is set up wrongly."""

    def refused(path: str, status: int) -> int:
        return served.metric(
            f'otel_fmd_otlp_refused_total{{transport="http",path="{path}",reason="{status}"}}'
        )

    cases = [
        ("/v1/traces", 405, lambda: requests.get(served.traces, timeout=10)),
        ("/v1/traces", 415, lambda: requests.post(served.traces, data="x", timeout=10)),
        ("/v1/traces", 415, lambda: post(served, b"", Content_Encoding="br")),
        ("/v1/traces", 413, lambda: post(served, bytes(2_000_000))),
        ("/v1/traces", 400, lambda: post(served, b"\xff\xff")),
        ("(other)", 404, lambda: requests.post(served.http + "/api/traces", timeout=10)),
        ("/metrics", 405, lambda: requests.delete(served.http + "/metrics", timeout=10)),
    ]
    for path, status, ask in cases:
        before = refused(path, status)
        assert ask().status_code == status
        assert refused(path, status) == before + 1


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"\x16\x03\x01 no HTTP\r\n\r\n", "broken HTTP from 127.0.0.1"),
        (b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", "broken HTTP from 127.0.0.1"),
    ],
)
def test_broken_http_is_one_line_a_minute(tmp_path: Path, sent: bytes, told: str) -> None:
    """It names the address; a scanner that goes on fills no log."""
    server = Served(f"sqlite:///{tmp_path / 'fmd.db'}", "--no-dashboard")
    host, port = server.http.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port)), 5) as one:
            one.sendall(sent)
            assert one.recv(1_000)
    assert server.stop() == 0
    warnings = [line for line in server.errors if " WARNING " in line]
    assert len([line for line in warnings if told in line]) == 1
    assert 1 <= len(warnings) <= 2
    assert all("127.0.0.1" in line for line in warnings)


def test_an_empty_request_is_a_success(served: Served) -> None:
    """No spans, no harm."""
    assert post(served, b"").status_code == 200
    assert requests.post(served.traces, json={}, timeout=10).json() == {}


def test_a_span_sent_again_changes_nothing(served: Served) -> None:
    """A client that lost our answer."""
    spans = Spans(4).many(7)
    before = served.metric("otel_fmd_requests_duplicates_total")
    for _ in range(3):
        assert post(served, body(spans)).status_code == 200
    assert served.metric("otel_fmd_requests_duplicates_total") - before == 14


@pytest.mark.parametrize("kind", ["protobuf", "json"])
def test_bad_data_is_400_with_details(served: Served, kind: str) -> None:
    """A Status in the request's encoding, with BadRequest; never retried by clients."""
    if kind == "protobuf":
        answer = post(served, b"\xff\xff\xff")
        status = Status.FromString(answer.content)
        details = BadRequest()
        assert status.details[0].Unpack(details)
        assert details.field_violations[0].description
    else:
        answer = requests.post(served.traces, data="{", headers=JSON, timeout=10)
        assert "message" in answer.json()
        assert answer.json()["details"][0]["fieldViolations"]
    assert answer.status_code == 400


def test_an_enum_as_text_rejects_its_span_alone(served: Served) -> None:
    """OTLP/JSON has integers only; the client is told."""
    document = as_json(Spans(5).many(2))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["kind"] = "SPAN_KIND_SERVER"
    answer = requests.post(served.traces, json=document, timeout=10)
    assert answer.status_code == 200
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedSpans"] in (1, "1")
    assert "SPAN_KIND_SERVER" in partial["errorMessage"]


@pytest.mark.parametrize(
    "change",
    [{"trace_id": b"short"}, {"span_id": b""}, {"end_time_unix_nano": 0}, {"trace_id": bytes(16)}],
)
def test_unusable_spans_are_rejected_alone(served: Served, change: dict) -> None:
    """200 with a partial success that says why; the good ones are stored."""
    good, bad = Spans(6).span(), Spans(7).span(**change)
    answer = post(served, body([bad, good]))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert partial.error_message
    assert good.span_id in stored_ids(served)


def test_unusable_spans_in_json_are_rejected_alone(served: Served) -> None:
    """Ids that are no hex, times before 1970."""
    spans = Spans(8).many(3)
    document = as_json(spans)
    found = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    found[0]["traceId"] = "xyz"
    found[1]["endTimeUnixNano"] = "-5"
    answer = requests.post(served.traces, json=document, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    assert "xyz" in answer.json()["partialSuccess"]["errorMessage"]
    assert spans[2].span_id in stored_ids(served)


def test_other_methods_types_and_paths_are_refused(served: Served) -> None:
    """405, 415, 404, each with a Status body."""
    assert requests.get(served.traces, timeout=10).status_code == 405
    assert requests.post(served.traces, data="x", timeout=10).status_code == 415
    for path in ("/v1/profiles", "/v1/tracesx", "/"):
        answer = requests.post(served.http + path, data=b"", headers=PROTOBUF, timeout=10)
        assert answer.status_code == 404
        assert Status.FromString(answer.content).message


def test_a_body_over_the_limit_is_413(served: Served) -> None:
    """Before and after decompression, with a declared length and in chunks."""
    large = body(Spans(9).many(10), filler="x" * 1_100_000)
    assert post(served, large).status_code == 413
    assert post(served, gzip.compress(large), Content_Encoding="gzip").status_code == 413

    def chunks() -> object:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    try:
        assert (
            requests.post(served.traces, data=chunks(), headers=PROTOBUF, timeout=10).status_code
            == 413
        )
    except requests.ConnectionError:
        # The server may close while the client still sends: refused all the same.
        pass
    assert post(served, body(Spans(10).many(1))).status_code == 200


def test_chunked_bodies_are_taken(served: Served) -> None:
    """No Content-Length is needed."""
    data = body(Spans(11).many(30))
    parts = iter([data[:100], data[100:]])
    answer = requests.post(served.traces, data=parts, headers=PROTOBUF, timeout=10)
    assert answer.status_code == 200


def test_requests_on_one_connection_are_answered_in_order(served: Served) -> None:
    """Keep-alive and pipelining."""
    host, port = served.http.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as raw:
        sent = b""
        for seed in (12, 13, 14):
            data = body(Spans(seed).many(3))
            sent += (
                b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: %d\r\n\r\n" % len(data)
            ) + data
        raw.sendall(sent)
        found = b""
        while found.count(b"HTTP/1.1 200 OK") < 3:
            part = raw.recv(65_536)
            assert part
            found += part


_OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n"


@pytest.mark.parametrize("pieces", [1, 2, 3, 40])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_offer_to_upgrade_is_ignored(served: Served, pieces: int, chunked: bool) -> None:
    """Java's HTTP client offers HTTP/2 with every request; its body comes as always."""
    host, port = served.http.removeprefix("http://").split(":")
    before = served.metric("otel_fmd_requests_stored_total")
    seed = 100 + pieces + 50 * chunked
    with socket.create_connection((host, int(port)), 10) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = b""
        for number in range(2):
            data = body(Spans(1000 * seed + number).many(3))
            framing = b"Content-Length: %d\r\n\r\n%b" % (len(data), data)
            if chunked:
                framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
                    len(data),
                    data,
                )
            sent += b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n" + _OFFER
            sent += b"Content-Type: application/x-protobuf\r\n" + framing
        sent += b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + _OFFER + b"\r\n"
        size = -(-len(sent) // pieces)
        for start in range(0, len(sent), size):
            raw.sendall(sent[start : start + size])
        found = b""
        while found.count(b"HTTP/1.1 200 OK") < 3:
            part = raw.recv(65_536)
            assert part, found
            found += part
    assert served.metric("otel_fmd_requests_stored_total") - before == 6


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: x\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_an_offer_to_upgrade_hides_no_second_request(served: Served, framing: bytes) -> None:
    """What is ambiguous without the offer is refused with it."""
    host, port = served.http.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as raw:
        raw.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n" + _OFFER + framing + b"\r\n0\r\n\r\n"
        )
        assert raw.recv(65_536).startswith(b"HTTP/1.1 400")


_JAVA_CLIENT = """
import java.net.URI;
import java.net.http.*;

public class Client {
  public static void main(String[] args) throws Exception {
    byte[] body = System.in.readAllBytes();
    HttpRequest request = HttpRequest.newBuilder(URI.create(args[0]))
        .header("Content-Type", "application/x-protobuf")
        .POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
    HttpClient client = HttpClient.newHttpClient();
    for (int number = 0; number < 3; number++) {
      System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
  }
}
"""


def test_javas_own_http_client_is_heard(served: Served, tmp_path: Path) -> None:
    """As OpenTelemetry's JDK sender uses it: with its default, which is HTTP/2 where offered."""
    (tmp_path / "Client.java").write_text(_JAVA_CLIENT)
    before = served.metric("otel_fmd_requests_stored_total")
    found = subprocess.run(
        [program("java"), str(tmp_path / "Client.java"), served.traces],
        input=body(Spans(77_777).many(5)),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert found.stdout.split() == [b"200"] * 3
    assert served.metric("otel_fmd_requests_stored_total") - before == 5


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/v1/logs"])
def test_cors_is_for_configured_origins(served: Served, path: str) -> None:
    """A preflight of our origin is answered with what it asks for, another one's is not."""
    ours = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-team, bad name,traceparent",
    }
    answer = requests.options(served.http + path, headers=ours, timeout=10)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type, x-team, traceparent"
    sent = requests.post(
        served.http + path, data=b"", headers={**PROTOBUF, "Origin": ours["Origin"]}, timeout=10
    )
    assert sent.status_code == 200
    assert sent.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert sent.headers["Access-Control-Allow-Credentials"] == "true"
    other = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = requests.options(served.traces, headers=other, timeout=10)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/traces", "/nothing"])
def test_an_answer_before_the_end_of_a_body(served: Served, path: str) -> None:
    """A client or proxy that still sends gets the whole answer, and is not reset meanwhile."""
    size = 3 * 2**20
    host, port = served.http.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(f"{head}Content-Type: application/x-protobuf\r\n\r\n".encode())
        client.sendall(b"x" * (size - 2**20))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 413" if path == "/v1/traces" else b"HTTP/1.1 404")
        assert b"connection: close" in answer.lower()
        # A server that had closed would answer this with a reset.
        for _ in range(16):
            client.sendall(b"x" * 2**16)
        while part := client.recv(65_536):
            answer += part
    length = int(re.search(rb"content-length: (\d+)", answer)[1])  # type: ignore[index]
    assert len(answer.partition(b"\r\n\r\n")[2]) == length


def test_health_readiness_and_metrics(served: Served) -> None:
    """For probes and Prometheus."""
    assert requests.get(f"{served.http}/healthz", timeout=10).json()["status"] == "ok"
    assert requests.get(f"{served.http}/readyz", timeout=10).json()["status"] == "ready"
    assert post(served, body([Spans(40).span()])).status_code == 200
    text = requests.get(f"{served.http}/metrics", timeout=10).text
    assert "# TYPE otel_fmd_requests_stored_total counter" in text
    assert 'otel_fmd_otlp_total{event="spans_received",transport="http"}' in text


def test_child_spans_are_counted_as_not_kept(served: Served) -> None:
    """Accepted, and visible as not kept."""
    before = served.metric("otel_fmd_requests_not_kept_total")
    assert post(served, body([Spans(15).span(kind=3)])).status_code == 200
    assert served.metric("otel_fmd_requests_not_kept_total") == before + 1


def test_a_graceful_stop_finishes_what_was_accepted(
    new_url: Callable[[str], str], serve: Callable[..., Served]
) -> None:
    """SIGTERM under load: the process ends with 0, and what was acknowledged is stored."""
    served = serve(new_url("sqlite"))
    clients = [RetryingClient([served.traces], seed + 1) for seed in range(4)]
    for client in clients:
        client.start()
    wait_for(lambda: sum(len(client.acknowledged) for client in clients) > 500)
    for client in clients:
        client.giving_up = True
    assert served.stop() == 0
    acknowledged = finish(clients)
    assert assert_exactly_once(served.database_url, acknowledged) >= len(acknowledged) > 500


def test_a_store_that_is_down_is_503(
    new_url: Callable, serve: Callable, postgresql: object
) -> None:
    """Retryable, with Retry-After; nothing of it is acknowledged; it goes on by itself."""
    served = serve(new_url("postgresql"), "--no-dashboard")
    assert post(served, body(Spans(16).many(5))).status_code == 200
    postgresql.stop(at_once=True)
    try:
        answer = post(served, body(Spans(17).many(5)))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert requests.get(f"{served.http}/readyz", timeout=30).status_code == 503
    finally:
        postgresql.start("fsync=off")
    # Without a batch: what balances load sends none to a receiver that is not ready.
    ready = f"{served.http}/readyz"
    wait_for(lambda: requests.get(ready, timeout=30).status_code == 200, 30, "it is ready")
    assert post(served, body(Spans(17).many(5))).status_code == 200
    assert served.metric("otel_fmd_requests_stored_total") == 10
    assert json.loads(requests.get(f"{served.http}/readyz", timeout=30).text)["status"] == "ready"
