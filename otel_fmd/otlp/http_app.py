"""OTLP/HTTP as an ASGI application.

`POST /v1/traces` is here; other paths (`/metrics`, `/healthz`, ...) are given by the caller as
functions, so that this room knows nothing of them. Bodies are read as a stream and refused as soon
as they pass the limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from google.rpc.code_pb2 import INTERNAL, INVALID_ARGUMENT, NOT_FOUND

from otel_fmd.otlp.body import content_coding, decompress
from otel_fmd.otlp.decode import Decoded, decode_protobuf
from otel_fmd.otlp.decode_json import decode_json
from otel_fmd.otlp.encode import encode, status, status_for, success
from otel_fmd.otlp.errors import (
    OtlpError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedEncodingError,
)
from otel_fmd.otlp.service import Intake, Limits, Place, ReceiverCounters, has_token

_log = logging.getLogger(__name__)
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_TRACES = "/v1/traces"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class PlainRequest(NamedTuple):
    """What a page besides OTLP may look at: query string, lower-case headers, client address."""

    query: str
    headers: Mapping[str, str]
    client: str = ""


class PlainAnswer(NamedTuple):
    """The answer of a page besides OTLP."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Page = Callable[[PlainRequest], PlainAnswer]


class OtlpHttpApp:
    """The ASGI application.

    Args:
        intake: takes the spans of a request.
        limits: bounds on bodies.
        counters: counts what happens.
        pages: GET pages by path, called in a worker thread.
        allowed_origins: origins of browsers that may send spans (CORS); `*` for all.
        token: the bearer token that senders must have; '' for none.
    """

    def __init__(
        self,
        intake: Intake,
        limits: Limits,
        counters: ReceiverCounters,
        pages: Mapping[str, Page] | None = None,
        allowed_origins: Sequence[str] = (),
        token: str = "",
    ) -> None:
        self._intake = intake
        self._limits = limits
        self._counters = counters
        self._pages = dict(pages or {})
        self._origins = frozenset(allowed_origins)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        cors = self._cors(headers.get("origin"))
        path = scope["path"]
        if path in self._pages:
            await self._page(scope, headers, send)
        elif path == _TRACES:
            await self._traces(scope["method"], headers, receive, send, cors)
        else:
            answer = status(NOT_FOUND, f"no such path: {path[:100]}; spans go to {_TRACES}")
            await self._status(send, 404, headers, answer, cors)

    async def _page(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, "text/plain", b"only GET\n", [("allow", "GET, HEAD")])
            return
        client = (scope.get("client") or ("",))[0]
        request = PlainRequest(scope["query_string"].decode("latin-1"), headers, client)
        page = self._pages[scope["path"]]
        answer = await asyncio.get_running_loop().run_in_executor(None, page, request)
        body = b"" if scope["method"] == "HEAD" else answer.body
        await _answer(send, answer.status, answer.content_type, body, list(answer.headers))

    async def _traces(
        self,
        method: str,
        headers: dict[str, str],
        receive: Receive,
        send: Send,
        cors: list[tuple[str, str]],
    ) -> None:
        if method == "OPTIONS" and cors:
            await _answer(send, 204, "text/plain", b"", cors)
            return
        if method != "POST":
            answer = status(INVALID_ARGUMENT, f"{_TRACES} takes POST, not {method[:20]}")
            await self._status(send, 405, headers, answer, [*cors, ("allow", "POST")])
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (_PROTOBUF, _JSON):
            message = f"Content-Type must be {_PROTOBUF} or {_JSON}, not {kind[:100]!r}"
            await self._status(send, 415, headers, status(INVALID_ARGUMENT, message), cors)
            return
        self._counters.add("http", "requests")
        try:
            if not has_token(headers.get("authorization", ""), self._token):
                raise UnauthenticatedError("a bearer token is asked for: Authorization: Bearer …")
            coding = content_coding(headers.get("content-encoding", ""))
            body = await self._read(headers, receive)
            with self._intake.admit(len(body), f"{kind} {coding}") as place:
                decoded, stored = await asyncio.get_running_loop().run_in_executor(
                    None, self._take, place, kind, body, coding
                )
            warning = await asyncio.wrap_future(stored) if stored else ""
            answer = success(decoded.rejected, decoded.reason or warning)
            self._counters.add("http", "spans_received", len(decoded.spans))
            self._counters.add("http", "spans_rejected", decoded.rejected)
            await _answer(send, 200, kind, encode(answer, as_json=kind == _JSON), cors)
        except OtlpError as error:
            await self._refuse(error, headers, send, cors)
        except ConnectionError:
            self._counters.add("http", "aborted")
        except Exception:
            # The last line of defence: a client must get an answer, and we must get the traceback.
            _log.exception("OTLP/HTTP request failed")
            self._counters.add("http", "internal_errors")
            await self._status(send, 500, headers, status(INTERNAL, "internal error"), cors)

    def _take(
        self, place: Place, kind: str, body: bytes, coding: str
    ) -> tuple[Decoded, Future[str] | None]:
        """Decode a body and hand its spans over, in a worker thread."""
        data = decompress(body, coding, self._limits.decompressed_bytes)
        decoded = decode_json(data) if kind == _JSON else decode_protobuf(data)
        return decoded, place.accept(decoded.spans) if decoded.spans else None

    async def _read(self, headers: dict[str, str], receive: Receive) -> bytes:
        limit = self._limits.body_bytes
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise TooLargeError(f"the body is over {limit} bytes")
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("client went away")
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise TooLargeError(f"the body is over {limit} bytes")
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    async def _refuse(
        self,
        error: OtlpError,
        headers: dict[str, str],
        send: Send,
        cors: list[tuple[str, str]],
    ) -> None:
        code, extra = 400, list(cors)
        if isinstance(error, TooLargeError):
            # The rest of the body was not read: the connection cannot be used again.
            code = 413
            extra.append(("connection", "close"))
        elif isinstance(error, UnsupportedEncodingError):
            code = 415
        elif isinstance(error, UnauthenticatedError):
            code = 401
            extra += [("www-authenticate", "Bearer"), ("connection", "close")]
        elif isinstance(error, RetryableError):
            code = 429 if error.overload else 503
            extra.append(("retry-after", str(max(1, math.ceil(error.retry_after_s)))))
        self._counters.add("http", f"refused_{code}")
        await self._status(send, code, headers, status_for(error), extra)

    async def _status(
        self,
        send: Send,
        code: int,
        headers: dict[str, str],
        message: Any,
        extra: list[tuple[str, str]],
    ) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        as_json = kind != _PROTOBUF
        body = encode(message, as_json=as_json)
        await _answer(send, code, _JSON if as_json else _PROTOBUF, body, extra)

    def _cors(self, origin: str | None) -> list[tuple[str, str]]:
        if origin is None or not self._origins & {origin, "*"}:
            return []
        return [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", "content-type, content-encoding, authorization"),
            ("access-control-max-age", "7200"),
            ("vary", "origin"),
        ]


async def _answer(
    send: Send, code: int, kind: str, body: bytes, extra: Sequence[tuple[str, str]]
) -> None:
    headers = [("content-type", kind), ("content-length", str(len(body))), *extra]
    if code == 204:
        headers = list(extra)
    await send(
        {
            "type": "http.response.start",
            "status": code,
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        }
    )
    await send({"type": "http.response.body", "body": body})
