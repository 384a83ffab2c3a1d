"""Serves the dashboard's WSGI application with the limits that the receiver has.

Bodies are read before a thread of the application is taken, so that slow clients take none.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from a2wsgi import WSGIMiddleware

from otel_fmd.otlp.errors import RetryableError
from otel_fmd.otlp.flight import Flight, Hold
from otel_fmd.otlp.http_call import DRAIN_S
from otel_fmd.otlp.http_guard import Guard
from otel_fmd.otlp.http_server import HttpServer
from otel_fmd.otlp.tls import Certificates
from otel_fmd.web.api import PATH
from otel_fmd.web.api.problems import MEDIA, problem_json

_THREADS = 8
_MOST_BODY = 2 * 2**20
_MOST_OF_LOGIN = 64 * 1024
_MOST_DISCARDED = 1024 * 1024
_MOST_DRAINED = 64 * 1024 * 1024
_MOST_IN_FLIGHT = 8 * 2**20

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def dashboard_server(
    app: Any,
    bound: socket.socket,
    grace_s: float,
    connections: int,
    certificates: Certificates | None = None,
) -> HttpServer:
    """The server of a dashboard.

    Args:
        app: its WSGI application.
        bound: a bound TCP socket; the server takes it over.
        grace_s: seconds that accepted requests may take to finish at shutdown.
        connections: most open connections.
        certificates: for TLS; None: none.
    """
    # Separate from the receiver's: filling that one must not block the dashboard.
    flight = Flight(_MOST_IN_FLIGHT)
    guard = Guard(flight, lambda *_: None, connections=connections)
    asgi = BoundedBodies(WSGIMiddleware(app, workers=_THREADS), flight)
    return HttpServer(asgi, bound, grace_s, guard, "otel-fmd-dashboard", certificates)


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
        """Read the body, or refuse it; then ask the application."""
        if scope["type"] != "http":
            return None
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        path = scope["path"]
        is_login = path.endswith(("/login", "/backchannel"))
        most = _MOST_OF_LOGIN if is_login else _MOST_BODY
        with Hold(self._flight) as hold:
            coming = Body(receive)
            try:
                too_large = not declared.isdigit() or int(declared[:20]) > most
                body = None if too_large else await coming.whole(hold, most)
            except RetryableError:
                hold.resize(0)
                return await _refuse(coming, send, path, 503, "too much is waiting: try again")
            except ConnectionError:
                return None
            if body is None:
                hold.resize(0)
                message = f"a request may have at most {most} bytes"
                return await _refuse(coming, send, path, 413, message)
            parts: Iterator[Message] = iter(
                [{"type": "http.request", "body": body, "more_body": False}]
            )

            async def replay() -> Message:
                found = next(parts, None)
                return found if found is not None else await receive()

            await self._app(scope, replay, send)


class Body:
    """The body of a request as it comes.

    Args:
        receive: gives the next message; after the last one it waits until the client goes away.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_complete = False

    async def whole(self, hold: Hold, most: int) -> bytes | None:
        """All of it; None when it is over `most` bytes.

        Raises:
            RetryableError: other requests hold too much.
            ConnectionError: the client went away.
        """
        parts: list[bytes] = []
        while not self._is_complete:
            part = await self._part()
            hold.receive(len(part))
            parts.append(part)
            if hold.size > most:
                return None
        return b"".join(parts)

    async def discard(self, most: int) -> None:
        """Read what still comes, up to `most` bytes, for a while, and forget it."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while most > 0 and not self._is_complete:
                    most -= len(await self._part())
        except (TimeoutError, ConnectionError):
            return

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("client went away")
        self._is_complete = not message.get("more_body")
        part: bytes = message.get("body", b"")
        return part


async def _refuse(coming: Body, send: Send, path: str, status: int, words: str) -> None:
    kind, text = b"text/plain; charset=utf-8", f"{words}\n".encode()
    if f"{PATH}/" in path:
        kind, text = MEDIA.encode(), problem_json(status, words)
    # Of what still comes, a little is forgotten before the answer, the rest after it: a connection
    # that is closed with bytes unread is reset, and a proxy then tells its client 502 instead.
    await coming.discard(_MOST_DISCARDED)
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": True})
    await coming.discard(_MOST_DRAINED)
    await send({"type": "http.response.body", "body": b""})
