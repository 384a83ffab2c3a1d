"""otel-fmd: the Flask Monitoring Dashboard, rebuilt on OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_fmd._version import __version__

if TYPE_CHECKING:
    from otel_fmd.agent.capture import capture
    from otel_fmd.exporter import FmdSpanExporter
    from otel_fmd.instrumentation import instrument

__all__ = ["FmdSpanExporter", "__version__", "capture", "instrument"]


def __getattr__(name: str) -> Any:
    # Imported on first use: `import otel_fmd` costs a monitored app nothing.
    if name == "FmdSpanExporter":
        from otel_fmd.exporter import FmdSpanExporter

        return FmdSpanExporter
    if name == "capture":
        from otel_fmd.agent.capture import capture

        return capture
    if name == "instrument":
        from otel_fmd.instrumentation import instrument

        return instrument
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
