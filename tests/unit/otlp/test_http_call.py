"""One request over HTTP: what becomes of the rest of a body that is answered before its end."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from otel_fmd.otlp import http_call
from otel_fmd.otlp.cors import Cors
from otel_fmd.otlp.http_call import HttpCall

MIB = 2**20


def answered(parts: int, *, ends: bool, **headers: str) -> tuple[list[dict[str, Any]], int]:
    """What is sent to a client that is refused, and how many parts of a MiB of its were read."""
    sent: list[dict[str, Any]] = []
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken == parts:
            await asyncio.Event().wait()
        taken += 1
        return {"body": bytes(MIB), "type": "http.request", "more_body": taken < parts or not ends}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def refuse() -> None:
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"headers": named, "method": "POST", "path": "/", "client": None}
        call = HttpCall(scope, receive, send, Cors(()))
        await call.answer(401, "text/plain", b"no", await call.discard())

    # In a thread of its own: the tests' browser leaves a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(refuse(), 20)).result()
    return sent, taken


def test_a_short_body_leaves_the_connection_open() -> None:
    """It is read before the answer, which is one message."""
    (start, body), taken = answered(1, ends=True)
    assert (taken, b"connection" in dict(start["headers"])) == (1, False)
    assert (body["body"], body["more_body"]) == (b"no", False)


def test_a_long_body_is_read_after_the_answer() -> None:
    """To its end; the answer is whole before, and says that the connection ends."""
    (start, body, end), taken = answered(40, ends=True)
    assert (taken, dict(start["headers"])[b"connection"]) == (40, b"close")
    assert (body["body"], body["more_body"]) == (b"no", True)
    assert (end["body"], end.get("more_body", False)) == (b"", False)


def test_a_body_without_end_is_given_up() -> None:
    """After 64 MiB."""
    sent, taken = answered(1_000, ends=False)
    assert (len(sent), taken) == (3, 65)


def test_a_client_that_stops_sending_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr(http_call, "DRAIN_S", 0.2)
    sent, taken = answered(3, ends=False)
    assert (len(sent), taken) == (3, 3)


def test_a_client_that_asked_first_sends_no_body() -> None:
    """`Expect: 100-continue`: it has its answer, and nothing is waited for."""
    sent, taken = answered(3, ends=False, expect="100-continue")
    assert (len(sent), taken) == (2, 0)
