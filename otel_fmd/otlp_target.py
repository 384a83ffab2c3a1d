"""Where an app sends OTLP, as the standard variables say."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_fmd.errors import ConfigurationError

_TRACES = "OTEL_EXPORTER_OTLP_TRACES_"
_ALL = "OTEL_EXPORTER_OTLP_"
_HTTP_PORT, _GRPC_PORT = 4318, 4317


class OtlpTarget(NamedTuple):
    """An OTLP endpoint and its protocol, `grpc` or `http/protobuf`."""

    endpoint: str
    protocol: str

    @property
    def levels_url(self) -> str:
        """Where its receiver tells monitor levels: beside OTLP/HTTP, on the port next to gRPC's."""
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

                return BatchSpanProcessor(GrpcExporter())
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
                OTLPSpanExporter as HttpExporter,
            )

            return BatchSpanProcessor(HttpExporter())
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
    return OtlpTarget(endpoint, "grpc" if protocol == "grpc" else "http/protobuf")


def _usual_protocol(endpoint: str) -> str:
    """The default of the Python SDK, gRPC, unless the port or what is installed says otherwise."""
    if f":{_HTTP_PORT}" in endpoint:
        return "http/protobuf"
    if f":{_GRPC_PORT}" in endpoint or find_spec("opentelemetry.exporter.otlp.proto.grpc"):
        return "grpc"
    return "http/protobuf"
