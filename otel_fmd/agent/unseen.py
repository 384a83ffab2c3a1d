"""The request that no hook made: it was answered, or failed, before OpenTelemetry's hook."""

from __future__ import annotations

import inspect
from typing import Any

from flask import Flask
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.wsgi import wsgi_getter
from opentelemetry.sdk.trace import Span
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_current_url

from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.agent.running import RunningRequest
from otel_fmd.signals import semconv

_OTEL_SPAN = "opentelemetry-flask.span_key"
_FAILED = 500


def make_unseen(
    app: Flask,
    processor: FmdSpanProcessor,
    running: RunningRequest,
    error: BaseException | None,
) -> None:
    """Start the span of a request that has none, from what the boundary knows of it.

    Not where OpenTelemetry made one that is not recorded (sampling), where its settings exclude the
    URL, and not within another request of this process.

    Args:
        app: the app.
        processor: watches its requests.
        running: the request; its span is set.
        error: what the app raised, if it did.
    """
    environ = running.environ
    seen = environ.get(_OTEL_SPAN)
    if seen is not None:
        if not seen.is_recording() and not seen.get_span_context().trace_flags.sampled:
            processor.not_sampled()
        return
    if _is_excluded(app, environ):
        return
    attributes = _attributes(app, running, error)
    level = processor.level_of(str(attributes.get(semconv.FLASK_ENDPOINT, "")))
    attributes[semconv.MONITOR_LEVEL] = level
    outer = trace.get_current_span()
    if outer.get_span_context().is_valid:
        if isinstance(outer, Span) and outer.kind is trace.SpanKind.SERVER:
            processor.describe(outer, attributes)
        return
    method = str(attributes["http.request.method"])
    route = attributes.get("http.route")
    span = processor.tracer.start_span(
        f"{method} {route}" if route else method,
        context=propagate.extract(environ, getter=wsgi_getter),
        kind=trace.SpanKind.SERVER,
        attributes=attributes,
        start_time=running.start_ns,
    )
    if isinstance(span, Span) and span.is_recording():
        running.hold(span, span)


def _attributes(app: Flask, running: RunningRequest, error: BaseException | None) -> dict[str, Any]:
    environ = running.environ
    found: dict[str, Any] = {
        "http.request.method": environ.get("REQUEST_METHOD", "") or semconv.OTHER_METHOD,
        "url.path": environ.get("PATH_INFO", ""),
        "url.scheme": environ.get("wsgi.url_scheme", "http"),
    }
    for name, key in (
        ("url.query", "QUERY_STRING"),
        ("server.address", "HTTP_HOST"),
        ("client.address", "REMOTE_ADDR"),
        ("user_agent.original", "HTTP_USER_AGENT"),
    ):
        if environ.get(key):
            found[name] = str(environ[key])
    try:
        rule, _ = app.url_map.bind_to_environ(environ).match(return_rule=True)
    except HTTPException:
        pass  # No rule matches, or it would redirect: a request without endpoint.
    else:
        found["http.route"] = rule.rule
        found[semconv.FLASK_ENDPOINT] = rule.endpoint
    status = _FAILED if error is not None else running.status_code
    if status is not None:
        found["http.response.status_code"] = status
    return found


def _is_excluded(app: Flask, environ: dict[str, Any]) -> bool:
    """Whether OpenTelemetry's instrumentation of the app leaves this URL out."""
    hook = getattr(app, "_before_request", None)
    if hook is None:
        return True
    # Where the hook keeps them: its settings are no attribute of the app.
    excluded = inspect.getclosurevars(hook).nonlocals.get("excluded_urls")
    return bool(excluded and excluded.url_disabled(get_current_url(environ)))
