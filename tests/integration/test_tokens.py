"""Ingest tokens at a started receiver: over HTTP and gRPC, for levels, from creation to the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otel_fmd.people.tokens import all_tokens
from otel_fmd.store.store import Store
from tests.support.serving import Served
from tests.support.spans import Spans, body, payload
from tests.support.waiting import wait_for

SHARED = "a shared token"


def command(served: Served, *words: str) -> str:
    """What an `otel-fmd token` command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "otel_fmd", "token", *words, "--database-url", served.database_url],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def over_http(served: Served, token: str) -> int:
    """The status of an export."""
    headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {token}"}
    data = body(Spans(1).many(1))
    return requests.post(served.traces, data, headers=headers, timeout=30).status_code


def over_grpc(served: Served, token: str) -> Any:
    """The code of an export; None when it was taken."""
    with grpc.insecure_channel(served.grpc) as channel:
        try:
            TraceServiceStub(channel).Export(
                payload(Spans(2).many(1)),
                metadata=(("authorization", f"Bearer {token}"),),
                timeout=30,
            )
        except grpc.RpcError as error:
            return error.code()
    return None


def levels(served: Served, token: str) -> int:
    """The status of an agent's request for its levels."""
    return requests.get(
        f"{served.http}/v1/agent/levels?service=shop",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ).status_code


def answers(served: Served, token: str) -> tuple[int, Any, int]:
    """Of every way in."""
    return over_http(served, token), over_grpc(served, token), levels(served, token)


TAKEN = (200, None, 200)
REFUSED = (401, grpc.StatusCode.UNAUTHENTICATED, 401)


@pytest.mark.parametrize("way", ["required", "shared"])
def test_a_token_opens_every_way_in_until_it_is_revoked(
    serve: Callable[..., Served], new_url: Callable[[str], str], way: str
) -> None:
    """Within a second; tokens with other scopes do not; the shared one stays accepted."""
    environment = (
        {"OTEL_FMD_REQUIRE_TOKEN": "true"} if way == "required" else {"OTEL_FMD_OTLP_TOKEN": SHARED}
    )
    served = serve(new_url("sqlite"), "--no-dashboard", **environment)
    reader = command(served, "add", "reader", "--scope", "read", "--scope", "admin")
    app = command(served, "add", "app", "--scope", "ingest", "--days", "30")
    wait_for(lambda: answers(served, app) == TAKEN, 10, "the new token is taken")
    for wrong in ("", reader, app[:-1], "ofmd_", "x"):
        assert answers(served, wrong) == REFUSED, wrong
    assert answers(served, SHARED) == (TAKEN if way == "shared" else REFUSED)
    assert f"app\t{app[:9]}...\tingest\t(command line)\t20" in command(served, "list")
    command(served, "revoke", "app")
    wait_for(lambda: answers(served, app) == REFUSED, 10, "the token is refused")
    store = Store(served.database_url)
    with store.read() as connection:
        assert [one.name for one in all_tokens(connection, store.tables)] == ["reader"]
    store.close()


def test_without_a_setting_nobody_needs_a_token(
    serve: Callable[..., Served], new_url: Callable[[str], str]
) -> None:
    """Not even when there are some: an app must not fall silent because a token was created."""
    served = serve(new_url("sqlite"), "--no-dashboard")
    command(served, "add", "app", "--scope", "ingest")
    assert answers(served, "") == TAKEN
