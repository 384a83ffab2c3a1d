"""OTLP/gRPC: `TraceService/Export` and `grpc.health.v1`."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.rpc.code_pb2 import INTERNAL
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_fmd.otlp.decode import decode_protobuf
from otel_fmd.otlp.encode import status, status_for, success
from otel_fmd.otlp.errors import OtlpError, UnauthenticatedError
from otel_fmd.otlp.service import Intake, Limits, ReceiverCounters, has_token

_log = logging.getLogger(__name__)
_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_WORKERS = 64


class OtlpGrpcServer:
    """OTLP/gRPC on `host:port`; port 0 takes a free one.

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
        token: str = "",
    ) -> None:
        self._intake = intake
        self._counters = counters
        self._grace_s = grace_s
        self._token = token
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(_WORKERS, "otel-fmd-otlp-grpc"),
            options=[
                ("grpc.max_receive_message_length", limits.decompressed_bytes),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=_WORKERS * 4,
        )
        # Raw bytes in: a body that cannot be decoded is the client's error, not an internal one.
        export = grpc.unary_unary_rpc_method_handler(
            self._export,
            request_deserializer=None,
            response_serializer=ExportTraceServiceResponse.SerializeToString,
        )
        handler = grpc.method_handlers_generic_handler(_SERVICE, {"Export": export})
        self._server.add_generic_rpc_handlers((handler,))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from None
        if self.port == 0:
            raise OSError(f"cannot listen on {address}")

    def start(self) -> None:
        """Start serving and say so to health checks."""
        self._server.start()
        for name in ("", _SERVICE):
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self) -> None:
        """Refuse what is new, finish what was accepted within the grace time."""
        self._health.enter_graceful_shutdown()
        self._server.stop(self._grace_s).wait(self._grace_s + 2)

    def _export(self, body: bytes, context: Any) -> ExportTraceServiceResponse:
        self._counters.add("grpc", "requests")
        try:
            sent = dict(context.invocation_metadata()).get("authorization", "")
            if not has_token(sent, self._token):
                raise UnauthenticatedError("a bearer token is asked for in the authorization")
            with self._intake.admit(len(body), "grpc") as place:
                decoded = decode_protobuf(body)
                stored = place.accept(decoded.spans) if decoded.spans else None
            warning = stored.result() if stored else ""
        except OtlpError as error:
            refused = status_for(error)
            self._counters.add("grpc", f"refused_{_CODES[refused.code].name.lower()}")
            _abort(context, refused)
        except Exception:
            # The last line of defence: a client must get an answer, and we must get the traceback.
            _log.exception("OTLP/gRPC request failed")
            self._counters.add("grpc", "internal_errors")
            _abort(context, status(INTERNAL, "internal error"))
        self._counters.add("grpc", "spans_received", len(decoded.spans))
        self._counters.add("grpc", "spans_rejected", decoded.rejected)
        return success(decoded.rejected, decoded.reason or warning)


def _abort(context: Any, refused: Status) -> NoReturn:
    context.set_trailing_metadata((("grpc-status-details-bin", refused.SerializeToString()),))
    context.abort(_CODES[refused.code], refused.message)
    raise AssertionError("abort raises")
