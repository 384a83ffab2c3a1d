"""Every door of the receiver, and which tokens open it; `docs/access.md` has the decisions.

`OTEL_FMD_WRITE_DOCS=1` writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import requests
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otel_fmd.actions.tokens import add_token
from otel_fmd.otlp.http_call import PlainAnswer
from otel_fmd.people.actor import OPERATOR
from otel_fmd.people.tokens import Scope
from otel_fmd.receiver.pages import ReceiverPages
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.support.serving import Served
from tests.unit.web.test_doors import CLOSED, FILE, HEAD, OPEN, Row, table

BEGIN, END = "<!-- begin: receiver -->\n", "<!-- end: receiver -->\n"
SIGNALS = ("traces", "metrics", "logs")
OPEN_TO_ANYONE = {"GET /healthz", "GET /readyz"}


def doors(served: Served, secrets: dict[str, str]) -> Iterator[Row]:
    """Every path and every gRPC service, as anyone and with each token."""

    def row(name: str, lets_in: Callable[[dict[str, str]], bool]) -> Row:
        found = [lets_in({})]
        found += [lets_in({"authorization": f"Bearer {secrets[one]}"}) for one in Scope]
        anyone, *tokens = (OPEN if one else CLOSED for one in found)
        return (name, anyone, anyone, anyone, *tokens)

    def over_http(method: str, path: str) -> Callable[[dict[str, str]], bool]:
        def lets_in(headers: dict[str, str]) -> bool:
            sent = {**headers, "content-type": "application/json"}
            answer = requests.request(
                method, f"{served.http}{path}", headers=sent, data=b"{}", timeout=30
            )
            assert answer.status_code < 500, (path, answer.text)
            return answer.status_code not in (401, 403)

        return lets_in

    def over_grpc(signal: str) -> Callable[[dict[str, str]], bool]:
        stub = {"traces": TraceServiceStub, "metrics": MetricsServiceStub, "logs": LogsServiceStub}

        def lets_in(headers: dict[str, str]) -> bool:
            with grpc.insecure_channel(served.addresses["otlp-grpc"].split("//")[-1]) as channel:
                try:
                    export = stub[signal](channel).Export
                    export(ExportTraceServiceRequest(), metadata=list(headers.items()), timeout=30)
                except grpc.RpcError as error:
                    refused = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
                    assert error.code() in refused, error
                    return False
            return True

        return lets_in

    for signal in SIGNALS:
        yield row(f"POST /v1/{signal}", over_http("POST", f"/v1/{signal}"))
    for signal in SIGNALS:
        yield row(f"gRPC {signal}", over_grpc(signal))
    pages = ReceiverPages(None, None, _nothing, maps=object())  # type: ignore[arg-type]
    for method, paths in (("GET", pages.by_path()), ("POST", pages.posts())):
        for path in paths:
            yield row(f"{method} {path}", over_http(method, path))


def _nothing(_request: object) -> PlainAnswer:
    return PlainAnswer(200, "text/plain", b"")


def test_every_door_of_the_receiver(tmp_path: Path, serve: Callable[..., Served]) -> None:
    """What the documentation decides is what is so."""
    store = Store(url := f"sqlite:///{tmp_path / 'fmd.db'}")
    ensure_schema(store)
    secrets = {one: add_token(OPERATOR, store, f"a {one}", [one], None) for one in Scope}
    store.close()
    found = list(doors(serve(url, OTEL_FMD_REQUIRE_TOKEN="true"), secrets))
    assert {name for name, anyone, *_ in found if anyone == OPEN} == OPEN_TO_ANYONE
    before, _, rest = FILE.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("OTEL_FMD_WRITE_DOCS"):
        written = table(found)
        FILE.write_text(f"{before}{BEGIN}{written}{END}{after}")
    assert written.startswith(HEAD)
    assert written == table(found), "a door has another decision than docs/access.md: see above"
