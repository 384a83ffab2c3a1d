"""OTLP/gRPC: `Export` of every signal, and `grpc.health.v1`.

Calls are handled as streams of one message, which is the same on the wire: so the token is checked,
and a read slot is taken, before gRPC reads a message. Messages arrive as they were sent,
compressed: gRPC's own decompression has no limit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message
from google.rpc.code_pb2 import INTERNAL
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from otel_fmd.job import Job
from otel_fmd.otlp.acceptor import Acceptor
from otel_fmd.otlp.body import coding_of
from otel_fmd.otlp.encode import status, status_for
from otel_fmd.otlp.errors import OtlpError, RetryableError, UnauthenticatedError
from otel_fmd.otlp.flight import Flight, Hold
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import Everyone, Intake, Limits, ReceiverCounters, Senders
from otel_fmd.otlp.signal import Signal
from otel_fmd.otlp.signals import SIGNALS
from otel_fmd.otlp.tls import Certificates, grpc_credentials

_log = logging.getLogger(__name__)
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_WORKERS = 64
_READERS = 16
_READ_S = 30.0
_SWEEP_S = 1.0
_HANDSHAKE_MS = 10_000
_STREAMS = 100

Export = Callable[[Iterator[bytes], Any], Message]
"""Answers a call: its messages, and gRPC's context."""


class OtlpGrpcServer:
    """OTLP/gRPC on `host:port`; port 0 takes a free one.

    Args:
        intake: takes the records of a request.
        limits: bounds on bodies.
        counters: counts what happens.
        host: the address to listen on, and
        port: its port.
        grace_s: seconds that accepted requests may take to finish at shutdown.
        senders: who may send; None: everyone.
        flight: where the memory of requests is counted.
        refusals: records what is refused.
        signals: what is served.
        certificates: for TLS; None: none.

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(
        self,
        intake: Intake,
        limits: Limits,
        counters: ReceiverCounters,
        host: str,
        port: int,
        grace_s: float,
        senders: Senders | None = None,
        flight: Flight | None = None,
        refusals: Refusals | None = None,
        signals: Sequence[Signal] = SIGNALS,
        certificates: Certificates | None = None,
    ) -> None:
        self._intake = intake
        self._counters = counters
        self._grace_s = grace_s
        self._senders = senders or Everyone()
        self._flight = flight or Flight(limits.flight_bytes)
        self._refusals = refusals or Refusals()
        self._signals = signals
        self._acceptor = Acceptor("grpc", signals, limits, counters, self._flight, self._refusals)
        self._reading = _Reading()
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(_WORKERS, "otel-fmd-otlp-grpc"),
            options=[
                ("grpc.max_receive_message_length", limits.body_bytes),
                ("grpc.per_message_decompression", 0),
                ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
                ("grpc.max_concurrent_streams", _STREAMS),
                # Nor does it read ahead more than 64 KiB of a message that is not being read yet.
                ("grpc.http2.bdp_probe", 0),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=_WORKERS * 4,
        )
        handlers = tuple(_handler(one.service, self._export(one)) for one in signals)
        self._server.add_generic_rpc_handlers(handlers)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if certificates is None:
                self.port = self._server.add_insecure_port(address)
            else:
                made = grpc_credentials(certificates)
                self.port = self._server.add_secure_port(address, made)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from None
        if self.port == 0:
            raise OSError(f"cannot listen on {address}")

    def start(self) -> None:
        """Start serving and say so to health checks."""
        self._server.start()
        self._reading.start()
        for name in ("", *(one.service for one in self._signals if one.is_kept)):
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self) -> None:
        """Refuse what is new, finish what was accepted within the grace time."""
        self._health.enter_graceful_shutdown()
        self._server.stop(self._grace_s).wait(self._grace_s + 2)
        self._reading.stop()

    def _export(self, signal: Signal) -> Export:
        """Takes one signal."""
        take = self._keep if signal.is_kept else self._forget

        def export(messages: Iterator[bytes], context: Any) -> Message:
            with self._answering(context, signal.method):
                return take(signal, messages, context)

        return export

    def _keep(self, signal: Signal, messages: Iterator[bytes], context: Any) -> Message:
        """Take records, and answer when they are durable."""
        self._counters.add("grpc", "requests")
        with Hold(self._flight) as hold:
            bodies = self._read(messages, context, hold)
            size, coding = len(bodies[0]), coding_of(bodies[0])
            with self._intake.admit(signal, size, f"grpc {coding}") as reservation:
                accepted = self._acceptor.accept(signal, reservation, bodies, coding, hold)
            warning = accepted.stored.result() if accepted.stored else ""
        agent = str(dict(context.invocation_metadata()).get("user-agent", ""))
        return self._acceptor.answer(signal, accepted, warning, _address(context), agent)

    def _forget(self, signal: Signal, messages: Iterator[bytes], context: Any) -> Message:
        """Take what nothing keeps yet, and say so once to each client."""
        with Hold(self._flight) as hold:
            self._read(messages, context, hold)
        agent = str(dict(context.invocation_metadata()).get("user-agent", ""))
        return self._acceptor.not_kept(signal, _address(context), agent)

    def _read(self, messages: Iterator[bytes], context: Any, hold: Hold) -> list[bytes]:
        """The message of a call, in a list from which its last user takes it."""
        metadata = dict(context.invocation_metadata())
        if not self._senders.allow(str(metadata.get("authorization", ""))):
            raise UnauthenticatedError("a bearer token is required in the authorization")
        with self._reading.place(context):
            body = next(messages, b"")
            hold.receive(len(body))
        return [body]

    @contextmanager
    def _answering(self, context: Any, method: str) -> Iterator[None]:
        """Turns what goes wrong into a status."""
        try:
            yield
        except OtlpError as error:
            refused = status_for(error)
            reason = _CODES[refused.code].name.lower()
            self._counters.add("grpc", f"refused_{reason}")
            self._refusals.add("grpc", method, reason, _address(context))
            _abort(context, refused)
        except grpc.RpcError:
            self._counters.add("grpc", "aborted")
            raise
        except Exception:
            # The last line of defence: a client must get an answer, and we must get the traceback.
            _log.exception("OTLP/gRPC request failed")
            self._counters.add("grpc", "internal_errors")
            _abort(context, status(INTERNAL, "internal error"))


class _Reading:
    """The calls whose message is being read: few at once, each for a limited time."""

    def __init__(self) -> None:
        self._until: dict[Any, float] = {}
        self._lock = threading.Lock()
        self._job = Job("otlp-grpc-time", self._end_late, _SWEEP_S)

    def start(self) -> None:
        """Watch the time."""
        self._job.start()

    def stop(self) -> None:
        """Watch no more."""
        self._job.stop(0)

    @contextmanager
    def place(self, context: Any) -> Iterator[None]:
        """A place to read in.

        Raises:
            RetryableError: none is free.
        """
        with self._lock:
            if len(self._until) >= _READERS:
                message = f"{_READERS} other messages are being read"
                raise RetryableError(message, retry_after_s=1.0, overload=True)
            self._until[context] = time.monotonic() + _READ_S
        try:
            yield
        finally:
            with self._lock:
                del self._until[context]

    def _end_late(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [context for context, until in self._until.items() if until < now]
        for context in late:
            context.cancel()


def _handler(service: str, export: Export) -> Any:
    # Raw bytes in: a body that cannot be decoded is the client's error, not an internal one.
    method = grpc.stream_unary_rpc_method_handler(
        export,
        request_deserializer=None,
        response_serializer=lambda answer: answer.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(service, {"Export": method})


def _address(context: Any) -> str:
    """Of the client, from gRPC's `ipv4:127.0.0.1:5000` or `ipv6:[::1]:5000`, escaped or not."""
    peer = str(context.peer()).partition(":")[2].replace("%5B", "[").replace("%5D", "]")
    return peer.rpartition(":")[0].strip("[]")


def _abort(context: Any, refused: Status) -> NoReturn:
    context.set_trailing_metadata((("grpc-status-details-bin", refused.SerializeToString()),))
    context.abort(_CODES[refused.code], refused.message)
    raise AssertionError("abort raises")
