"""OTLP/HTTP as an ASGI application.

Every signal is received at its path; other paths (`/metrics`, `/healthz`, ...) are passed in as
functions, so that this package does not depend on them. Bodies are read as a stream and refused as
soon as they exceed a limit. A signal that is not stored is accepted all the same, and answered with
a success that says so: exporters with default settings send them all.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from google.protobuf.message import Message
from google.rpc.code_pb2 import INTERNAL, INVALID_ARGUMENT, NOT_FOUND

from otel_fmd.otlp.acceptor import Acceptor
from otel_fmd.otlp.body import content_coding
from otel_fmd.otlp.cors import Cors
from otel_fmd.otlp.encode import encode, status, status_for
from otel_fmd.otlp.errors import (
    OtlpError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedEncodingError,
)
from otel_fmd.otlp.flight import Flight, Hold
from otel_fmd.otlp.http_call import (
    JSON,
    PROTOBUF,
    HttpCall,
    Page,
    PlainRequest,
    Receive,
    Scope,
    Send,
)
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import Everyone, Intake, Limits, ReceiverCounters, Senders
from otel_fmd.otlp.signal import Signal
from otel_fmd.otlp.signals import SIGNALS

_log = logging.getLogger(__name__)
_DECODERS = 4
_MOST_POSTED = 512 * 1024
"""Bytes of a body that a page besides OTLP takes."""


class OtlpHttpApp:
    """The ASGI application.

    Args:
        intake: takes the records of a request.
        limits: bounds on bodies.
        counters: counts what happens.
        pages: GET pages by path, called in a worker thread.
        posts: pages by path that take POST; without a token that is needed they read no body.
        allowed_origins: origins of browsers that may send (CORS); `*` for all.
        senders: who may send; None: everyone.
        flight: where the memory of requests is counted.
        refusals: records what is refused.
        signals: what is served.
    """

    def __init__(
        self,
        intake: Intake,
        limits: Limits,
        counters: ReceiverCounters,
        pages: Mapping[str, Page] | None = None,
        allowed_origins: Sequence[str] = (),
        senders: Senders | None = None,
        flight: Flight | None = None,
        refusals: Refusals | None = None,
        posts: Mapping[str, Page] | None = None,
        signals: Sequence[Signal] = SIGNALS,
    ) -> None:
        self._intake = intake
        self._limits = limits
        self._counters = counters
        self._pages, self._posts = dict(pages or {}), dict(posts or {})
        self._cors = Cors(allowed_origins)
        self._senders = senders or Everyone()
        self._flight = flight or Flight(limits.flight_bytes)
        self._refusals = refusals or Refusals()
        self._signals = {signal.path: signal for signal in signals}
        self._refusals.know([*self._signals, *self._pages, *self._posts])
        self._acceptor = Acceptor("http", signals, limits, counters, self._flight, self._refusals)
        # Not those of the pages: health is answered while bodies wait for their turn.
        self._decoders = ThreadPoolExecutor(_DECODERS, "otel-fmd-otlp-decode")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        call = HttpCall(scope, receive, send, self._cors)
        try:
            if call.path in self._pages:
                await self._page(call)
            elif call.path in self._posts:
                await self._post(call)
            elif call.path in self._signals:
                await self._signal(call, self._signals[call.path])
            else:
                kept = [one for one in self._signals.values() if one.is_kept]
                paths = ", ".join(f"{one.records} go to {one.path}" for one in kept)
                message = f"no such path: {call.path[:100]}; {paths}"
                await self._turn_away(call, 404, status(NOT_FOUND, message))
        except ConnectionError:
            self._counters.add("http", "aborted")

    async def _page(self, call: HttpCall) -> None:
        closing = await call.discard()
        if call.method not in ("GET", "HEAD"):
            self._refusals.add("http", call.path, "405", call.client)
            extra = [("allow", "GET, HEAD"), *closing]
            await call.answer(405, "text/plain", b"only GET\n", extra)
            return
        query = call.scope["query_string"].decode("latin-1")
        request = PlainRequest(query, call.headers, call.client)
        page = self._pages[call.path]
        answer = await asyncio.get_running_loop().run_in_executor(None, page, request)
        if answer.status == 401:
            self._refusals.add("http", call.path, "401", call.client)
        body = b"" if call.method == "HEAD" else answer.body
        headers = [*answer.headers, *closing]
        await call.answer(answer.status, answer.content_type, body, headers)

    async def _post(self, call: HttpCall) -> None:
        if call.method != "POST":
            message = f"{call.path} takes POST, not {call.method[:20]}"
            refused = status(INVALID_ARGUMENT, message)
            await self._turn_away(call, 405, refused, [("allow", "POST")])
            return
        try:
            if not self._senders.allow(call.headers.get("authorization", "")):
                raise UnauthenticatedError("a bearer token is required: Authorization: Bearer …")
            with Hold(self._flight) as hold:
                body = await self._read(call, hold, _MOST_POSTED)
                query = call.scope["query_string"].decode("latin-1")
                request = PlainRequest(query, call.headers, call.client, body)
                page = self._posts[call.path]
                answer = await asyncio.get_running_loop().run_in_executor(None, page, request)
        except OtlpError as error:
            await self._refuse(error, call)
            return
        if answer.status >= 400:
            self._refusals.add("http", call.path, str(answer.status), call.client)
        await call.answer(answer.status, answer.content_type, answer.body, [*answer.headers])

    async def _signal(self, call: HttpCall, signal: Signal) -> None:
        """A POST of a signal, or what is none."""
        if call.method == "OPTIONS" and call.cors:
            await call.answer(204, "text/plain", b"", [*call.cors, *await call.discard()])
            return
        if call.method != "POST":
            message = f"{call.path} takes POST, not {call.method[:20]}"
            refused = status(INVALID_ARGUMENT, message)
            await self._turn_away(call, 405, refused, [("allow", "POST, OPTIONS")])
            return
        if call.kind not in (PROTOBUF, JSON):
            message = f"Content-Type must be {PROTOBUF} or {JSON}, not {call.kind[:100]!r}"
            await self._turn_away(call, 415, status(INVALID_ARGUMENT, message))
            return
        try:
            if not self._senders.allow(call.headers.get("authorization", "")):
                raise UnauthenticatedError("a bearer token is required: Authorization: Bearer …")
            if signal.is_kept:
                await self._keep(call, signal)
            else:
                await self._forget(call, signal)
        except OtlpError as error:
            await self._refuse(error, call)
        except ConnectionError:
            raise
        except Exception:
            # The last line of defence: a client must get an answer, and we must get the traceback.
            _log.exception("OTLP/HTTP request failed")
            self._counters.add("http", "internal_errors")
            await call.status(500, status(INTERNAL, "internal error"), [("connection", "close")])

    async def _keep(self, call: HttpCall, signal: Signal) -> None:
        """Take records, and answer when they are durable."""
        self._counters.add("http", "requests")
        coding = content_coding(call.headers.get("content-encoding", ""))
        with Hold(self._flight) as hold:
            body = await self._read(call, hold, self._limits.body_bytes)
            encoding = f"{call.kind} {coding}"
            with self._intake.admit(signal, len(body), encoding) as reservation:
                bodies = [body]
                del body
                accept = partial(self._acceptor.accept, as_json=call.kind == JSON)
                accepted = await asyncio.get_running_loop().run_in_executor(
                    self._decoders, accept, signal, reservation, bodies, coding, hold
                )
            stored = accepted.stored
            warning = await asyncio.wrap_future(stored) if stored else ""
        agent = call.headers.get("user-agent", "")
        answer = self._acceptor.answer(signal, accepted, warning, call.client, agent)
        await self._succeed(call, answer)

    async def _forget(self, call: HttpCall, signal: Signal) -> None:
        """Take what nothing keeps yet, and say so once to each client."""
        size = 0
        while (part := await call.part()) is not None:
            size += len(part)
            if size > self._limits.body_bytes:
                raise TooLargeError(f"the body is over {self._limits.body_bytes} bytes")
        agent = call.headers.get("user-agent", "")
        await self._succeed(call, self._acceptor.not_kept(signal, call.client, agent))

    async def _succeed(self, call: HttpCall, answer: Message) -> None:
        encoded = encode(answer, as_json=call.kind == JSON)
        await call.answer(200, call.kind, encoded, call.cors)

    async def _read(self, call: HttpCall, hold: Hold, limit: int) -> bytes:
        declared = call.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise TooLargeError(f"the body is over {limit} bytes")
        parts: list[bytes] = []
        size = 0
        while (part := await call.part()) is not None:
            size += len(part)
            if size > limit:
                raise TooLargeError(f"the body is over {limit} bytes")
            hold.receive(len(part))
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _refuse(self, error: OtlpError, call: HttpCall) -> None:
        code, extra = 400, []
        if isinstance(error, TooLargeError):
            code = 413
        elif isinstance(error, UnsupportedEncodingError):
            code = 415
        elif isinstance(error, UnauthenticatedError):
            code = 401
            extra = [("www-authenticate", "Bearer")]
        elif isinstance(error, RetryableError):
            code = 429 if error.overload else 503
            extra = [("retry-after", str(max(1, math.ceil(error.retry_after_s))))]
        self._counters.add("http", f"refused_{code}")
        await self._turn_away(call, code, status_for(error), extra)

    async def _turn_away(
        self, call: HttpCall, code: int, message: Any, extra: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._refusals.add("http", call.path, str(code), call.client)
        closing = await call.discard()
        await call.status(code, message, [*extra, *closing])
