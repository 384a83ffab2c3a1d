"""Where ended spans go when this process stores them itself."""

from __future__ import annotations

from typing import Any, Protocol

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor


class Sink(Protocol):
    """Where ended spans go when no exporter of the SDK carries them."""

    def take(self, span: ReadableSpan, attributes: dict[str, Any]) -> None:
        """Take an ended span, with its attributes; never waits, never raises."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until all that was taken is durable."""

    def shutdown(self) -> None:
        """Store what waits, and stop."""


class SinkProcessor(SpanProcessor):
    """Passes every span to our exporter as it ends."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def on_end(self, span: Any) -> None:
        """Take it."""
        self._sink.take(span, dict(span.attributes or {}))

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until all is stored; False when some was not."""
        return self._sink.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Store what is queued, and stop."""
        self._sink.shutdown()
