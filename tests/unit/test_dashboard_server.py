"""Bodies of requests to the dashboard: bounded, alone and together, and each gets an answer."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest

pytest.importorskip("a2wsgi")

from otel_fmd import dashboard_server
from otel_fmd.dashboard_server import BoundedBodies
from otel_fmd.otlp.flight import Flight

KIB = 1024


def answered(sent: list[bytes], limit: int, path: str = "/page") -> int:
    """The status of an answer to a client that sends a body in parts and then waits."""
    messages = [
        {"type": "http.request", "body": part, "more_body": n < len(sent)}
        for n, part in enumerate(sent, 1)
    ]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 0))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"".join(sent)
        await send({"type": "http.response.start", "status": 200})

    scope = {"type": "http", "path": path, "headers": []}
    bounded = BoundedBodies(app, Flight(limit))
    # In a thread of its own: the tests' browser leaves a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(bounded(scope, receive, send), 5)).result()
    return statuses[0]


def test_a_body_in_parts_is_given_whole() -> None:
    """The application gets it at once."""
    assert answered([b"a" * KIB, b"b" * KIB], 64 * KIB) == 200


def test_a_complete_body_that_is_refused_gets_its_answer() -> None:
    """Its client sends nothing more and waits: so must not we."""
    assert answered([bytes(65 * KIB)], 900 * KIB, "/login") == 413
    assert answered([bytes(2049 * KIB)], 4096 * KIB) == 413
    assert answered([bytes(40 * KIB), bytes(40 * KIB)], 900 * KIB, "/login") == 413


def test_a_refused_body_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is there at once, and the connection is given up after a while."""
    monkeypatch.setattr(dashboard_server, "DRAIN_S", 0.2)
    sent: list[tuple[Any, bool]] = []
    flight = Flight(900 * KIB)

    async def receive() -> dict[str, Any]:
        if not sent:
            return {"type": "http.request", "body": bytes(70 * KIB), "more_body": True}
        assert flight.used == 0
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def send(message: dict[str, Any]) -> None:
        sent.append((message.get("status", message.get("body")), message.get("more_body", False)))

    bounded = BoundedBodies(None, flight)
    scope = {"type": "http", "path": "/login", "headers": []}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(bounded(scope, receive, send), 5)).result()
    assert [one for one, _ in sent] == [413, b"a request may have at most 65536 bytes\n", b""]
    assert [more for _, more in sent] == [False, True, False]


def test_a_refusal_of_the_api_is_a_problem() -> None:
    """As every other error of it."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(3 * KIB * KIB), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    bounded = BoundedBodies(None, Flight(8 * KIB * KIB))
    scope = {"type": "http", "path": "/monitoring/api/v1/users", "headers": []}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(bounded(scope, receive, send), 5)).result()
    assert dict(sent[0]["headers"])[b"content-type"] == b"application/problem+json"
    problem = json.loads(b"".join(message["body"] for message in sent[1:]))
    assert (problem["status"], problem["title"]) == (413, HTTPStatus(413).phrase)
    assert "2097152 bytes" in problem["detail"]
