"""What somebody who means harm sends to a server: all of it cheap to send, and dear to take."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import grpc
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.serving import Served
from tests.support.spans import Spans, body, flask_attributes

MIB = 2**20
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def message(tag: int, inner: bytes) -> bytes:
    """A field of protobuf that holds a message."""
    size, made = len(inner), bytearray([tag])
    while size > 127:
        made.append(size & 127 | 128)
        size >>= 7
    made.append(size)
    return bytes(made) + inner


def within(spans: bytes) -> bytes:
    """A request of encoded `spans` fields."""
    return message(0x0A, message(0x12, spans))


def many_valid(number: int, kind: int) -> bytes:
    """A request of so many spans of one kind, small ones."""
    made = Spans(number)
    span = made.span({}, kind=kind)
    request = ExportTraceServiceRequest.FromString(body([span]))
    (scope,) = request.resource_spans[0].scope_spans
    spans = b"".join(
        message(0x12, _with_id(scope.spans[0].SerializeToString(), n)) for n in range(number)
    )
    return within(spans)


def _with_id(span: bytes, number: int) -> bytes:
    # A later value of a field counts: each span gets an id of its own.
    return span + message(0x12, (number + 1).to_bytes(8, "big"))


def one_span(**extra: object) -> bytes:
    """A request of one span with attributes beside the usual ones."""
    return body([Spans(1).span(flask_attributes(**extra))])


def bodies() -> Iterator[tuple[str, bytes, str, str]]:
    """(name, bytes, content type, coding), each of at most 1 MiB."""

    def zipped(data: bytes, level: int = 6) -> bytes:
        return gzip.compress(data, level, mtime=0)

    attribute = b"J\x00"
    event = message(0x5A, message(0x12, b"exception"))
    head = Spans(2).span({}).SerializeToString()
    yield "empty resources, zipped", zipped(b"\x0a\x00" * 32_000_000), PROTOBUF, "gzip"
    yield "empty resources", b"\x0a\x00" * (MIB // 2), PROTOBUF, ""
    yield "empty scopes", message(0x0A, b"\x12\x00" * 500_000), PROTOBUF, ""
    yield "empty spans, zipped", zipped(within(b"\x12\x00" * 8_000_000)), PROTOBUF, "gzip"
    yield "empty spans", within(b"\x12\x00" * 500_000), PROTOBUF, ""
    yield "as many as are taken", within(b"\x12\x00" * 65_000), PROTOBUF, ""
    yield "spans", zipped(many_valid(60_000, 2), 1), PROTOBUF, "gzip"
    yield "child spans", zipped(many_valid(60_000, 1), 1), PROTOBUF, "gzip"
    attributes = within(message(0x12, head + attribute * 7_000_000))
    yield "empty attributes", zipped(attributes), PROTOBUF, "gzip"
    yield "events", zipped(within(message(0x12, head + event * 900_000))), PROTOBUF, "gzip"
    pairs = b"".join(message(0x0A, message(0x0A, b"k%d" % n)) for n in range(90_000))
    yield "a resource", message(0x0A, message(0x0A, pairs)), PROTOBUF, ""
    yield "a long text", zipped(one_span(long="x" * 15 * MIB)), PROTOBUF, "gzip"
    yield "zeros", zipped(bytes(900 * MIB), 9), PROTOBUF, "gzip"
    objects = b'{"resourceSpans":[' + b"{}," * 5_000_000 + b"{}]}"
    yield "empty objects, zipped", zipped(objects), JSON, "gzip"
    yield "empty objects", objects[: MIB - 9] + b"{}]}", JSON, ""
    start = b'{"resourceSpans":[{"scopeSpans":[{"spans":['
    yield "empty spans in JSON", zipped(start + b"{}," * 5_000_000 + b"{}]}]}]}"), JSON, "gzip"
    yield "numbers", zipped(start + b'{"attributes":[' + b"0," * 7_000_000), JSON, "gzip"
    yield "lists in a list", zipped(b'{"other":[' + b"[]," * 5_000_000), JSON, "gzip"
    yield "keys", b"{" + b",".join(b'"%d":0' % n for n in range(95_000)) + b"}", JSON, ""
    yield "deep", b'{"resourceSpans":' + b"[" * 1_000_000, JSON, ""
    yield "deep objects", b'{"resourceSpans":[' + b'{"a":' * 200_000, JSON, ""
    yield "a text without an end", b'{"resourceSpans":"' + b"\\u0000" * 170_000, JSON, ""
    yield "astral", zipped(('{"a":"' + "\U0001f600" * 3_900_000 + '"}').encode()), JSON, "gzip"


def at_once(actions: Sequence[Callable[[], object]], threads: int = 12) -> None:
    """Run them in threads; what fails on the way is as good as refused."""

    def quietly(action: Callable[[], object]) -> None:
        with suppress(OSError, requests.RequestException, grpc.RpcError):
            action()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(quietly, actions))


def connect(url: str) -> socket.socket:
    """A connection to the server of a URL."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    made = socket.create_connection((parts.hostname, parts.port), 20)
    made.settimeout(20)
    return made


@contextmanager
def half_open(url: str, number: int, first: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that sent the beginning of a request, and wait."""
    with ExitStack() as stack:
        made: list[socket.socket] = []
        for _ in range(number):
            with suppress(OSError):
                one = stack.enter_context(connect(url))
                made.append(one)
                one.setblocking(False)
                one.send(first)
        assert len(made) > number // 2, "hardly anything was connected"
        yield made


def is_closed(one: socket.socket) -> bool:
    """Whether the server closed a connection (or answered and closed it)."""
    one.setblocking(False)
    try:
        while one.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def trickle(one: socket.socket, data: bytes, until: threading.Event) -> None:
    """Send byte after byte, slowly, until told to stop or refused."""
    with suppress(OSError):
        for n in range(len(data)):
            one.send(data[n : n + 1])
            if until.wait(0.5) or is_closed(one):
                return


class Memory:
    """The peak memory of a server from now on."""

    def __init__(self, served: Served) -> None:
        self._status = f"/proc/{served.process.pid}/status"
        self._clear = f"/proc/{served.process.pid}/clear_refs"
        self.reset()
        self.at_start = self.peak_mib()

    def reset(self) -> None:
        """Forget the peak so far."""
        with open(self._clear, "w") as file:
            file.write("5")

    def peak_mib(self) -> float:
        """The highest resident size since the last reset."""
        with open(self._status) as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
