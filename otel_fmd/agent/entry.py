"""The span that becomes a request, as it begins."""

from __future__ import annotations

from typing import Any, TypeGuard

from opentelemetry import trace
from opentelemetry.sdk.trace import Span

from otel_fmd.signals import semconv
from otel_fmd.signals.sdk import attributes_of


def unmatched_attributes(entry: Span, environ: dict[str, Any]) -> dict[str, Any]:
    """Attributes that mark a request as matched by no route, including its method.

    The older conventions, which are the instrumentation's default, hide a method that they do not
    know.
    """
    found: dict[str, Any] = {semconv.UNMATCHED: True}
    known = attributes_of(entry)
    if semconv.OTHER_METHOD in (known.get(name) for name in semconv.METHOD):
        found[semconv.ORIGINAL_METHOD] = str(environ.get("REQUEST_METHOD", ""))
    return found


def is_request(outer: trace.Span) -> TypeGuard[Span]:
    """Whether this span, around Flask's, becomes the request: an outer WSGI instrumentation's."""
    return (
        isinstance(outer, Span)
        and outer.kind is trace.SpanKind.SERVER
        and outer.is_recording()
        and semconv.FLASK_ENDPOINT not in attributes_of(outer)
    )
