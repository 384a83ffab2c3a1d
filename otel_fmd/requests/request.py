"""One request, before it has an id."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any, NamedTuple

from otel_fmd.signals import semconv
from otel_fmd.signals.record import AttributeValue, Event, Resource, Span, SpanKind


class _NoSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        return {}

    def events(self, raw: Any) -> Iterable[Event]:
        return ()


NOTHING_MORE = Span(
    b"", b"", b"", "", SpanKind.SERVER, 0, 0, False, False, False, Resource({}), None, _NoSource()
)
"""Replaces a span of which nothing more is needed, so that its memory is freed in the queue."""


class Request(NamedTuple):
    """One request, as FMD's `Request` table knows it, before it has an id.

    `start_us` is unix microseconds, `duration_ns` nanoseconds (0: the clock was wrong); `span` is
    kept for what only some requests need (outlier, profile, exceptions). `level`: the monitor level
    at which our agent watched it, so that it is an outlier if and only if it has the event; None:
    no agent did. `first_byte_ns`: nanoseconds until a streamed body's first chunk. `name_source`:
    where the endpoint's name came from, see `naming.SOURCES`.
    """

    service: str
    endpoint: str
    version: str
    start_us: int
    duration_ns: int
    status_code: int | None
    group_by: str | None
    ip: str
    trace_id: bytes
    span_id: bytes
    span: Span
    level: int | None
    first_byte_ns: int | None = None
    name_source: str = ""

    def events(self, name: str) -> list[Event]:
        """The events of this name, oldest first."""
        if not self.span.has_events:
            return []
        return [event for event in self.span.source.events(self.span.raw) if event.name == name]

    @property
    def has_outlier(self) -> bool:
        """Whether the agent found it to be an outlier."""
        return bool(self.events(semconv.EVENT_OUTLIER))

    @property
    def has_profile(self) -> bool:
        """Whether it carries a profile."""
        return bool(self.events(semconv.EVENT_PROFILE))
