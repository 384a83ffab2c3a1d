"""HTTP/1.1 of uvicorn with limits on what a connection may cost before there is a request.

uvicorn's httptools protocol keeps headers of any size, waits forever for the rest of a request and
accepts any number of connections. This one refuses headers over a limit, requests that make no
progress and connections over a limit: it closes the one that has been idle longest, so that a
client that opens many and sends nothing does not block others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from otel_fmd.otlp.errors import RetryableError
from otel_fmd.otlp.flight import Hold
from otel_fmd.otlp.http_guard import Guard

_PER_HEADER = 64
"""What a header takes in memory in addition to its text."""
_MOST_PIPELINED = 16
_SMALL_HEAD = 4 * 1024
_LEAST_BYTES_PER_S = 16 * 1024
_STALLED_S = 2.0
_LINGER_S = 1.0
_PIECE = 64 * 1024
_FRAMING = (b"content-length", b"transfer-encoding")
_NEW, _HEAD, _BODY, _DONE = range(4)
"""A connection of which nothing came; headers come; a body comes; a request is complete."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        guard: its server's limits.
        options: as uvicorn gives them.
    """

    def __init__(self, *, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard
        self._hold = Hold(guard.flight)
        self._phase = _NEW
        self._began_here = False
        self._refused = False
        self._body_follows = self._is_replayed = False
        self._problem = 0
        self._head_bytes = self._header_sum = self._body_bytes = 0
        self._written: tuple[int, float] = (0, 0.0)
        self.since = self._progress_at = 0.0
        self._unanswered: deque[RequestResponseCycle] = deque()

    @property
    def address(self) -> str:
        """Of the client."""
        return self.client[0] if self.client else ""

    @property
    def unread(self) -> int:
        """Bytes of bodies that the application has not taken."""
        return len(self.cycle.body) if self.cycle is not None else 0

    @property
    def waits_for_client(self) -> bool:
        """Whether nothing is being answered: a request is not complete, or none has begun."""
        return self._phase == _BODY or self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._guard.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._guard.protocols.discard(self)
        self._hold.resize(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._refused:
            # What was on its way when the connection was turned away.
            return
        self._unset_keepalive_if_required()
        if len(data) > _SMALL_HEAD and not self._guard.has_capacity(len(data)):
            self._turn_away(429)
        for start in range(0, len(data), _PIECE):
            if self._refused:
                return
            self._feed(data if len(data) <= _PIECE else data[start : start + _PIECE])

    def _feed(self, data: bytes) -> None:
        size, self._began_here = len(data), False
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    # An offer that a server may ignore (RFC 9110, 7.8); Java's client makes it
                    # with every request. What follows is HTTP/1.1.
                    data = data[upgrade.args[0] :]
                    if self._body_follows:
                        self._read_body()
        except httptools.HttpParserError:
            if not self._problem:
                self._guard.log("broken HTTP", self.address)
            self._turn_away(self._problem or 400)
            return
        if self._phase == _HEAD:
            # Of a piece in which a request begins, what lies before is not of its head.
            self._head_bytes += 0 if self._began_here else size
            self._check_head(size)

    def _read_body(self) -> None:
        """Continue with the body of a request that offered an upgrade.

        httptools ends such a request with its headers. A new parser, given only the framing
        headers, reads the rest.
        """
        framing = [name + b": " + value for name, value in self.headers if name in _FRAMING]
        self._body_follows = False
        self.parser = httptools.HttpRequestParser(self)
        self._is_replayed = True
        try:
            self.parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", *framing, b"", b""]))
        finally:
            self._is_replayed = False

    def _check_head(self, piece: int) -> None:
        size = max(self._head_bytes, self._header_sum)
        if size > self._guard.header_bytes:
            self._turn_away(431)
        elif size + piece > _SMALL_HEAD:
            try:
                self._hold.resize(2 * size + piece)
            except RetryableError:
                self._turn_away(429)

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._is_replayed:
            return
        super().on_message_begin()
        self._phase = _HEAD
        self._began_here = True
        self._head_bytes = self._header_sum = self._body_bytes = 0
        self.since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """A part of the address came."""
        if self._is_replayed:
            return
        super().on_url(url)
        self._bound_headers(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is complete."""
        if self._is_replayed:
            return
        super().on_header(name, value)
        self._bound_headers(len(name) + len(value) + _PER_HEADER)

    def _bound_headers(self, more: int) -> None:
        self._header_sum += more
        if self._header_sum > self._guard.header_bytes:
            self._problem = 431
            raise ValueError("headers over the limit")

    def on_headers_complete(self) -> None:
        """The application can begin."""
        if self._is_replayed:
            return
        self._phase = _BODY
        self._body_follows = self.parser.should_upgrade() and any(
            name in _FRAMING and value != b"0" for name, value in self.headers
        )
        self.since = self._progress_at = self.loop.time()
        if len(self.pipeline) >= _MOST_PIPELINED:
            self._problem = 429
            raise ValueError("too many requests pending on one connection")
        super().on_headers_complete()
        if self.cycle is not None and self.cycle not in self._unanswered:
            self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._body_bytes += len(body)
        self._progress_at = self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self._body_follows:
            return
        self._phase = _DONE
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer was given."""
        if self._phase != _HEAD:
            self._hold.resize(0)
        if self._unanswered:
            self._unanswered.popleft()
        super().on_response_complete()

    def check(self, now: float) -> None:
        """Close the connection when its client makes no progress."""
        guard, waited = self._guard, now - self.since
        if self._refused:
            return
        if self._phase == _NEW and waited > guard.header_s:
            self.close_now()
        elif (self._phase == _HEAD and waited > guard.header_s) or (
            self._phase == _BODY
            and not self.flow.read_paused
            and (
                waited > guard.body_s + self._body_bytes / _LEAST_BYTES_PER_S
                or (guard.flight.is_full and now - self._progress_at > _STALLED_S)
            )
        ):
            self._turn_away(408)
        if self.flow.write_paused:
            left = self.transport.get_write_buffer_size()
            if left != self._written[0]:
                self._written = (left, now)
            elif now - self._written[1] > guard.write_s:
                self.transport.abort()

    def close_now(self) -> None:
        """Close without an answer."""
        self._refused = True
        self._forget()
        self.transport.abort()

    def _forget(self) -> None:
        """Drop what was received, and pending responses that nobody will read."""
        self.parser = httptools.HttpRequestParser(self)
        self.headers = []
        self.pipeline.clear()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._hold.resize(0)

    def _turn_away(self, status: int) -> None:
        """Answer without the application, and close once the client has had time to read it."""
        self._refused = True
        path = self.url.partition(b"?")[0].decode("latin-1") if self._phase != _NEW else ""
        self._guard.refuse(path[:100], status, self.address)
        self._forget()
        if any(cycle.response_started for cycle in self._unanswered):
            self.transport.abort()
            return
        retry = b"retry-after: 1\r\n" if status == 429 else b""
        head = STATUS_LINE[status] + retry
        self.transport.write(head + b"content-length: 0\r\nconnection: close\r\n\r\n")
        # Closed at once, with bytes unread, the kernel would throw the answer away.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)


def protocol_class(guard: Guard) -> type[asyncio.Protocol]:
    """The class that uvicorn makes connections of, with a guard of this server."""

    class Connection(GuardedProtocol):
        def __init__(self, **options: Any) -> None:
            super().__init__(guard=guard, **options)

    return Connection
