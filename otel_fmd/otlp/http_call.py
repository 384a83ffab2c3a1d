"""One HTTP request of an ASGI server: its body in parts, and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from otel_fmd.otlp.cors import Cors, Headers
from otel_fmd.otlp.encode import encode

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_DISCARDED = 1024 * 1024
"""Bytes of a refused body that are read and forgotten before it is answered."""
_DRAINED = 64 * 1024 * 1024
DRAIN_S = 10.0
"""How much more of it, and for how long, is read and forgotten after the answer: a connection that
is closed with bytes unread is reset, and a proxy then tells its client 502 instead."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class PlainRequest(NamedTuple):
    """What a page besides OTLP may look at.

    Query string, lower-case headers, client address, and what was posted.
    """

    query: str
    headers: Mapping[str, str]
    client: str = ""
    body: bytes = b""


class PlainAnswer(NamedTuple):
    """The answer of a page besides OTLP."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Page = Callable[[PlainRequest], PlainAnswer]


class HttpCall:
    """One request, and the way to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, cors: Cors) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.headers = {
            k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]
        }
        self.method: str = scope["method"]
        self.path = "/" + "/".join(part for part in scope["path"].split("/") if part)
        self.client: str = (scope.get("client") or ("",))[0]
        self.kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.cors = cors.headers(self.headers)
        self._unread = True

    async def part(self) -> bytes | None:
        """The next part of the body; None at its end.

        Raises:
            ConnectionError: the client went away, or made no progress.
        """
        if not self._unread:
            return None
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("client went away")
        self._unread = bool(message.get("more_body"))
        part: bytes = message.get("body", b"")
        return part

    async def discard(self) -> Headers:
        """Read and forget what is left of the body; headers of the answer when it is too much."""
        left = _DISCARDED
        if "expect" not in self.headers:
            while left > 0 and (part := await self.part()) is not None:
                left -= len(part)
        return [("connection", "close")] if self._unread else []

    async def answer(self, code: int, kind: str, body: bytes, extra: Headers) -> None:
        """Send an answer."""
        unread = self._unread and "expect" not in self.headers
        headers = [("content-type", kind), ("content-length", str(len(body))), *extra]
        if code == 204:
            headers = list(extra)
        await self.send(
            {
                "type": "http.response.start",
                "status": code,
                "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers],
            }
        )
        await self.send({"type": "http.response.body", "body": body, "more_body": unread})
        if unread:
            await self._drain()
            await self.send({"type": "http.response.body", "body": b""})

    async def _drain(self) -> None:
        """Read and forget what a client still sends that has its answer already."""
        left = _DRAINED
        try:
            async with asyncio.timeout(DRAIN_S):
                while left > 0 and (part := await self.part()) is not None:
                    left -= len(part)
        except (TimeoutError, ConnectionError):
            return

    async def status(self, code: int, message: Any, extra: Headers) -> None:
        """Send a `google.rpc.Status`, in the encoding of the request."""
        as_json = self.kind != PROTOBUF
        body = encode(message, as_json=as_json)
        await self.answer(code, JSON if as_json else PROTOBUF, body, [*self.cors, *extra])
