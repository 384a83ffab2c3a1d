"""No secret is stored, whichever way it comes in, and the settings about them act in each."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from flask import Flask
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Row, select

from otel_fmd.exporter import FmdSpanExporter
from otel_fmd.store.store import Store
from tests.support.planted import ALL_ARE_OUTLIERS, CHOSEN, leaked, planted, spans, texts_of
from tests.support.secrets import Secret
from tests.support.serving import Served
from tests.support.spans import payload

Send = Callable[[Served, ExportTraceServiceRequest], None]
STRICT = {
    "OTEL_FMD_REDACT": "x-own,color",
    "OTEL_FMD_KEEP_HEADERS": "false",
    "OTEL_FMD_KEEP_ENVIRON": "false",
}
ALL = {f"OTEL_FMD_{name.upper()}": str(value) for name, value in ALL_ARE_OUTLIERS.items()}
OWN = "qW3rTy-own-secret"


def send_protobuf(served: Served, message: ExportTraceServiceRequest) -> None:
    """OTLP/HTTP."""
    kind = {"Content-Type": "application/x-protobuf"}
    answer = requests.post(
        served.traces, data=message.SerializeToString(), headers=kind, timeout=30
    )
    assert answer.status_code == 200


def send_json(served: Served, message: ExportTraceServiceRequest) -> None:
    """OTLP/HTTP in JSON: hex ids."""
    document = MessageToDict(message, use_integers_for_enums=True)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for key in ("traceId", "spanId"):
            span[key] = base64.b64decode(span[key]).hex()
    assert requests.post(served.traces, json=document, timeout=30).json() == {}


def send_grpc(served: Served, message: ExportTraceServiceRequest) -> None:
    """OTLP/gRPC."""
    with grpc.insecure_channel(served.grpc) as channel:
        assert not TraceServiceStub(channel).Export(message).HasField("partial_success")


SENDERS = [send_protobuf, send_json, send_grpc]


def outliers_of(store: Store) -> list[Row[Any]]:
    """The rows of outliers."""
    with store.read() as connection:
        return list(connection.execute(select(store.tables.outlier)))


@pytest.mark.parametrize("send", SENDERS)
def test_over_otlp(send: Send, serve: Callable[..., Served], tmp_path: Path) -> None:
    """Protobuf, JSON and gRPC: spans of any SDK, events of any agent, profiles, names of jobs."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    served = serve(url, "--no-dashboard", **ALL)
    sent = spans()
    send(served, payload(sent))
    served.wait_stored(len(sent))
    store = Store(url)
    rows = outliers_of(store)
    assert len(rows) == len(planted())
    assert leaked(texts_of(store)) == []
    assert sum("[redacted]" in str(row) for row in rows) == len(rows)
    with store.read() as connection:
        codes = connection.execute(select(store.tables.code_line.c.code)).scalars().all()
    assert codes
    assert all("[redacted]" in code for code in codes)
    store.close()


@pytest.mark.parametrize("send", SENDERS)
def test_settings_act_over_otlp(send: Send, serve: Callable[..., Served], tmp_path: Path) -> None:
    """Further names, and what is not kept at all; with the agent's event and without one."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    served = serve(url, "--no-dashboard", **ALL, **STRICT)
    sent = spans()
    for span in sent:
        for event in span.events:
            for pair in event.attributes:
                if pair.key == "fmd.outlier.values":
                    pair.value.string_value = json.dumps({"X-Own": OWN})
        target = span.attributes.add(key="http.target")
        target.value.string_value = f"/a?color={OWN}"
    send(served, payload(sent))
    served.wait_stored(len(sent))
    store = Store(url)
    rows = outliers_of(store)
    assert len(rows) == len(planted())
    assert {(row.request_header, row.request_environment) for row in rows} == {("", "")}
    assert leaked(texts_of(store), [*CHOSEN, Secret("x-own", OWN, OWN)]) == []
    assert any("color=[redacted]" in row.request_url for row in rows)
    assert any("X-Own" in (row.request_values or "") for row in rows)
    store.close()


@pytest.mark.parametrize("is_strict", [False, True])
def test_by_the_exporter_alone(is_strict: bool, tmp_path: Path) -> None:
    """Spans of the SDK, without the agent."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    settings: dict[str, Any] = dict(ALL_ARE_OUTLIERS)
    if is_strict:
        settings |= {"redact": ["color"], "keep_headers": False, "keep_environ": False}
    exporter = FmdSpanExporter(url, **settings)
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    every = [one for one in planted() if not any(isinstance(v, dict) for v in _values(one))]
    start = 1_790_000_000_000_000_000
    for route in sorted({one.attributes["http.route"] for one in every}):
        given = {"http.request.method": "GET", "http.route": route}
        quick = tracer.start_span("q", None, trace.SpanKind.SERVER, given, start_time=start)
        quick.end(start + 1_000_000)
    for number, one in enumerate(every, 1):
        began = start + number * 1_000_000
        attributes = {**one.attributes, "color": OWN}
        span = tracer.start_span("s", None, trace.SpanKind.SERVER, attributes, start_time=began)
        for event in one.events:
            span.add_event(event.name, dict(event.attributes), began)
        span.end(began + 1_000_000_000 + number * 1_000_000)
    provider.shutdown()
    store = Store(url)
    rows = outliers_of(store)
    assert len(rows) == len(every)
    assert leaked(texts_of(store)) == []
    assert any(OWN in row.request_environment for row in rows) is not is_strict
    if is_strict:
        assert {(row.request_header, row.request_environment) for row in rows} == {("", "")}
    store.close()


def _values(one: Any) -> Iterator[Any]:
    for value in one.attributes.values():
        yield value
        yield from value if isinstance(value, list) else ()


@pytest.fixture
def shop() -> Flask:
    """An app with a secret in a path, and one in a line of code."""
    import time

    app = Flask("shop")

    @app.route("/reset/<token>/done")
    def reset(token: str) -> str:
        password = "l1ne-of-code-pw"
        time.sleep(0.3 if token.startswith("slow") else 0.001)
        return password[:0]

    @app.route("/pay", methods=["POST"])
    def pay() -> str:
        from flask import request

        time.sleep(float(request.headers["X-Wait"]))
        return "x"

    return app


@pytest.mark.parametrize("is_strict", [False, True])
def test_by_the_agent(
    is_strict: bool, shop: Flask, kept: InMemorySpanExporter, tmp_path: Path
) -> None:
    """Neither stored nor in the events that the app's own exporter gets."""
    import otel_fmd

    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    options: dict[str, Any] = {"redact": "x-own", "keep_headers": False, "keep_environ": False}
    found = otel_fmd.instrument(
        shop,
        database_url=url,
        tracer_provider=provider,
        outlier_min_requests=3,
        monitor_level=3,
        **(options if is_strict else {}),
    )
    client = shop.test_client()
    for number in range(6):
        client.get(f"/reset/quick{number}/done")
        client.post("/pay", headers={"X-Wait": "0.001"})
    secret = "slow-S3cret-in-a-path"
    headers = {
        "Referer": f"http://localhost/reset/{secret}/done?api_key=k3y-in-referer",
        "X-Original-Url": "/x?next=%2Fy%3Ftoken%3Dt0ken-in-inner-url",
        "Cookie": "session=c00kie-of-session; theme=d4rk-theme",
        "X-Forwarded-Client-Cert": "c3rt-of-client",
        "X-Context": '{"user": {"pwd": "pwd-in-js0n"}}',
        "X-Own": OWN,
        "X-Wait": "0.3",
    }
    client.get(f"/reset/{secret}/done?sig=s1g-in-query#f", headers=headers)
    headers |= {"Referer": "http://localhost/?api_key=k3y-in-referer"}
    client.post("/pay?card=4111111111111111&jwt=j.w.t-in-query", headers=headers)
    assert found.force_flush()
    assert found.processor.errors == 0
    store = Store(url)
    rows = outliers_of(store)
    events = [str(event.attributes) for span in kept.get_finished_spans() for event in span.events]
    found.uninstrument()
    cores = (
        *(secret, "k3y-in-referer", "t0ken-in-inner-url", "c00kie-of", "d4rk-theme", "c3rt-of"),
        *("pwd-in-js0n", "s1g-in-query", "4111111111111111", "j.w.t-in", "l1ne-of-code"),
    )
    planted_here = [Secret(core, core, core) for core in cores]
    assert len(rows) >= 2
    assert any("/reset/[redacted]/done?sig=[redacted]" in row.request_url for row in rows)
    assert leaked(texts_of(store), planted_here) == []
    assert any("fmd.outlier.url" in event for event in events)
    assert leaked(events, planted_here) == []
    assert any(OWN in row.request_header for row in rows) is not is_strict
    if is_strict:
        assert {(row.request_header, row.request_environment) for row in rows} == {("", "")}
        assert OWN not in "\n".join([*events, *texts_of(store)])
    store.close()
