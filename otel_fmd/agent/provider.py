"""What the SDK's tracer provider does not offer: to take a processor away, and ids of our own."""

from __future__ import annotations

import os
import random
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator


class OwnIds(IdGenerator):
    """Random ids from a generator of its own.

    The SDK's draws from Python's global one: an app that seeds it would see other numbers with
    monitoring than without. Reseeded in each process, however it was forked.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._random = random.Random()  # noqa: S311 - ids, no secrets

    def generate_span_id(self) -> int:
        """64 bits, not zero."""
        return self._bits(64)

    def generate_trace_id(self) -> int:
        """128 bits, not zero."""
        return self._bits(128)

    def is_trace_id_random(self) -> bool:
        """All bits are."""
        return True

    def _bits(self, number: int) -> int:
        pid = os.getpid()
        if pid != self._pid:
            self._random = random.Random(os.urandom(32))  # noqa: S311
            self._pid = pid
        return self._random.getrandbits(number) or self._bits(number)


def processors(provider: TracerProvider) -> tuple[SpanProcessor, ...]:
    """The span processors of a provider; none where this SDK keeps them elsewhere."""
    found: Any = getattr(provider._active_span_processor, "_span_processors", ())
    return tuple(found)


def remove_processor(provider: TracerProvider, processor: SpanProcessor) -> bool:
    """Take a processor away from a provider, without shutting it down; False: it stays."""
    composite: Any = provider._active_span_processor
    if processor not in processors(provider):
        return False
    with composite._lock:
        composite._span_processors = tuple(
            one for one in composite._span_processors if one is not processor
        )
    return True


def take_over(provider: TracerProvider, kind: type[SpanExporter]) -> SpanExporter | None:
    """Take an exporter from the batch processor that the SDK made for it; None: there is none.

    The batch processor ends, its exporter lives: it takes spans as they end, so that none waits
    five seconds in a queue that a stopped process loses, and no thread is started before a fork.
    """
    for one in processors(provider):
        exporter = getattr(one, "span_exporter", None)
        inner: Any = getattr(one, "_batch_processor", None)
        if isinstance(exporter, kind) and hasattr(inner, "_exporter"):
            if not remove_processor(provider, one):
                return None
            inner._exporter = _Nowhere()
            one.shutdown()
            return exporter
    return None


class _Nowhere(SpanExporter):
    """Takes the place of an exporter that was taken over."""

    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Nothing to stop."""
