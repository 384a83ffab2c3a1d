"""Where an app sends OTLP, as the standard variables say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.util.re import parse_env_headers

from otel_fmd.errors import ConfigurationError

_TRACES = "OTEL_EXPORTER_OTLP_TRACES_"
_ALL = "OTEL_EXPORTER_OTLP_"
_HTTP_PORT, _GRPC_PORT = 4318, 4317


class OtlpProcessor(BatchSpanProcessor):
    """The SDK's, whose `force_flush` says whether spans arrived; the SDK's own says that it tried.

    Args:
        exporter: the SDK's.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._counted = _CountingExporter(exporter)
        self._seen = 0
        super().__init__(self._counted)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Send what waits.

        False when that took too long, or when spans that ended since the last call did not arrive.
        """
        in_time = super().force_flush(timeout_millis)
        before, self._seen = self._seen, self._counted.failed
        return bool(in_time) and self._seen == before


class _CountingExporter(SpanExporter):
    """Counts the spans that another exporter could not send."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """As the other one does."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self.failed += len(spans)
        return result

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """As the other one does."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """As the other one does."""
        self._exporter.shutdown()


class OtlpTarget(NamedTuple):
    """Where spans are sent.

    Args:
        endpoint: of OTLP.
        protocol: `grpc` or `http/protobuf`.
        token: the bearer token that is sent along; '' without one.
        certificates: paths of the authorities (PEM), the client's certificate and its key, '' for
            each that is not set.
    """

    endpoint: str
    protocol: str
    token: str = ""
    certificates: tuple[str, str, str] = ("", "", "")

    @property
    def levels_url(self) -> str:
        """Where its receiver serves monitor levels: on its HTTP port, next to gRPC's."""
        parts = urlsplit(self.endpoint if "://" in self.endpoint else f"http://{self.endpoint}")
        host = parts.hostname or "localhost"
        shown = f"[{host}]" if ":" in host else host
        if self.protocol == "grpc":
            return f"{parts.scheme}://{shown}:{_HTTP_PORT}" if parts.port == _GRPC_PORT else ""
        path = parts.path.rstrip("/").removesuffix("/v1/traces")
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{shown}{port}{path}"

    def processor(self) -> SpanProcessor:
        """A processor with the SDK's own OTLP exporter.

        Raises:
            ConfigurationError: its package is not installed.
        """
        try:
            if self.protocol == "grpc":
                from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
                    OTLPSpanExporter as GrpcExporter,
                )

                return OtlpProcessor(GrpcExporter())
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
                OTLPSpanExporter as HttpExporter,
            )

            return OtlpProcessor(HttpExporter())
        except ModuleNotFoundError as error:
            package = "grpc" if self.protocol == "grpc" else "http"
            raise ConfigurationError(
                f"sending OTLP to {self.endpoint} needs {error.name!r}: "
                f"pip install opentelemetry-exporter-otlp-proto-{package}"
            ) from None


def otlp_target(environ: Mapping[str, str]) -> OtlpTarget | None:
    """Where `environ` says that spans are sent by OTLP; None when it names no endpoint.

    Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
    """
    endpoint = environ.get(f"{_TRACES}ENDPOINT") or environ.get(f"{_ALL}ENDPOINT")
    if not endpoint:
        return None
    protocol = environ.get(f"{_TRACES}PROTOCOL") or environ.get(f"{_ALL}PROTOCOL")
    if not protocol:
        protocol = _usual_protocol(endpoint)
    ca, client, key = (
        environ.get(f"{_TRACES}{name}") or environ.get(f"{_ALL}{name}", "")
        for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    )
    return OtlpTarget(
        endpoint,
        "grpc" if protocol == "grpc" else "http/protobuf",
        _token(environ.get(f"{_TRACES}HEADERS") or environ.get(f"{_ALL}HEADERS", "")),
        (ca, client, key),
    )


def _token(headers: str) -> str:
    """The bearer token in the list of headers of the exporter, `name=value,name=value`."""
    values = parse_env_headers(headers, liberal=True)
    scheme, _, token = values.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _usual_protocol(endpoint: str) -> str:
    """The default of the Python SDK, gRPC, unless the port or what is installed says otherwise."""
    if f":{_HTTP_PORT}" in endpoint:
        return "http/protobuf"
    if f":{_GRPC_PORT}" in endpoint or find_spec("opentelemetry.exporter.otlp.proto.grpc"):
        return "grpc"
    return "http/protobuf"
