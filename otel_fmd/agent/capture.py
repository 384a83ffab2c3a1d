"""`otel_fmd.capture`: exceptions that the app handles, recorded all the same."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import Span, TracerProvider

from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.agent.provider import processors
from otel_fmd.log_limit import LogLimit
from otel_fmd.signals import semconv

_log = logging.getLogger(__name__)
_log_limit = LogLimit()
_MOST_EVENTS = 64
"""Events of a span that leave those of others in place: beyond 128 the SDK drops the oldest."""
_MARK = "_otel_fmd_captured"


def capture(error: BaseException | None = None) -> bool:
    """Record an exception that the app handles, in a request or outside of one.

    In a request it belongs to it, wherever in its code it is called; outside of one, to the
    service. It travels as the standard span event `exception` on the span that is current, or on a
    span of its own.

    Args:
        error: the exception; None: the one that is being handled.

    Returns:
        Whether it was recorded. It is not if there is no exception, or OpenTelemetry is not set
        up; a warning is logged then. Never raises.
    """
    try:
        return _capture(sys.exception() if error is None else error)
    except Exception:
        if _log_limit.allows():
            _log.exception("otel-fmd: capture() failed; the app is not affected")
        return False


def _capture(error: BaseException | None) -> bool:
    if not isinstance(error, BaseException):
        _warn("capture(%r): expected an exception, or to be called while one is handled", error)
        return False
    span = trace.get_current_span()
    if isinstance(span, Span) and span.is_recording():
        if _is_known(error, span):
            return True
        if len(span._events) < _MOST_EVENTS:
            span.record_exception(error, attributes=_attributes(error, span))
            return True
    tracer = trace.get_tracer("otel_fmd")
    with tracer.start_as_current_span("capture", record_exception=False) as own:
        if not own.is_recording():
            _warn("%r was not captured: OpenTelemetry is not set up, or does not sample it", error)
            return False
        own.record_exception(error, attributes=_attributes(error, own))
    return True


def _is_known(error: BaseException, span: Span) -> bool:
    """Whether the exception was captured in this trace before, on its way up."""
    context = span.get_span_context()
    trace_id = 0 if context is None else context.trace_id
    if getattr(error, _MARK, None) == trace_id:
        return True
    with suppress(AttributeError, TypeError):  # it takes no attributes
        setattr(error, _MARK, trace_id)
    return False


def _attributes(error: BaseException, span: trace.Span) -> dict[str, Any]:
    found: dict[str, Any] = {semconv.CAPTURED: True}
    composite: Any = getattr(span, "_span_processor", None)
    own = getattr(composite, "_span_processors", ())
    provider = trace.get_tracer_provider()
    if not own and isinstance(provider, TracerProvider):
        own = processors(provider)
    for one in own:
        if isinstance(one, FmdSpanProcessor):
            found.update(one.describer.attributes(error))
            break
    return found


def _warn(message: str, error: object) -> None:
    if _log_limit.allows():
        _log.warning(f"otel-fmd: {message}", error)
