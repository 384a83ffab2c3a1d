"""Serves the dashboard's WSGI application with the limits that the receiver has.

Bodies are read before a thread of the application is taken, so that slow clients take none.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from a2wsgi import WSGIMiddleware

from otel_fmd.otlp.errors import RetryableError
from otel_fmd.otlp.flight import Flight, Hold
from otel_fmd.otlp.http_protocol import Guard
from otel_fmd.otlp.http_server import HttpServer

_THREADS = 8
_MOST_BODY = 2 * 2**20
_MOST_OF_LOGIN = 64 * 1024
_MOST_DISCARDED = 1024 * 1024

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def dashboard_server(
    app: Any, bound: socket.socket, grace_s: float, flight: Flight, connections: int
) -> HttpServer:
    """The server of a dashboard.

    Args:
        app: its WSGI application.
        bound: a bound TCP socket; the server takes it over.
        grace_s: how long accepted requests may take to finish when stopping, in seconds.
        flight: where the memory of requests is counted.
        connections: open at once.
    """
    guard = Guard(flight, lambda *_: None, connections=connections)
    asgi = BoundedBodies(WSGIMiddleware(app, workers=_THREADS), flight)
    return HttpServer(asgi, bound, grace_s, guard, name="otel-fmd-dashboard")


class BoundedBodies:
    """An ASGI application that gets whole bodies of at most 2 MiB.

    Args:
        app: the ASGI application behind.
        flight: where the memory of requests is counted.
    """

    def __init__(self, app: Any, flight: Flight) -> None:
        self._app = app
        self._flight = flight

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return None
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        most = _MOST_OF_LOGIN if scope["path"].endswith("/login") else _MOST_BODY
        with Hold(self._flight) as hold:
            try:
                too_large = not declared.isdigit() or int(declared[:20]) > most
                body = None if too_large else await _whole(receive, hold, most)
            except RetryableError:
                return await _refuse(receive, send, 503, b"too much is waiting: try again\n")
            except ConnectionError:
                return None
            if body is None:
                message = f"a request may have at most {most} bytes\n"
                return await _refuse(receive, send, 413, message.encode())
            parts: Iterator[Message] = iter(
                [{"type": "http.request", "body": body, "more_body": False}]
            )

            async def replay() -> Message:
                found = next(parts, None)
                return found if found is not None else await receive()

            await self._app(scope, replay, send)


async def _whole(receive: Receive, hold: Hold, most: int) -> bytes | None:
    """The body; None when it is too large."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("client went away")
        part = message.get("body", b"")
        hold.receive(len(part))
        parts.append(part)
        if hold.size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def _refuse(receive: Receive, send: Send, status: int, text: bytes) -> None:
    # A little more is read and forgotten, so that the client reads the answer.
    left = _MOST_DISCARDED
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
