"""Client spans of the demo's shop: its statements, and its requests to the stock service.

Made with OpenTelemetry's API alone, so that the demo can be installed with any SQLAlchemy 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from requests.adapters import HTTPAdapter
from sqlalchemy import Engine, event


def trace_statements(engine: Engine, provider: TracerProvider | None = None) -> Callable[[], None]:
    """Create a span for each statement, with the process's provider unless one is given.

    Returns:
        what ends the tracing.
    """
    tracer = trace.get_tracer(__name__, tracer_provider=provider)
    system = engine.dialect.name
    database = engine.url.database or ":memory:"

    def before(
        _connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: Any
    ) -> None:
        operation = statement.split(None, 1)[0]
        attributes = {"db.system": system, "db.name": database, "db.statement": statement}
        context.otel_span = tracer.start_span(
            f"{operation} {database}", kind=SpanKind.CLIENT, attributes=attributes
        )

    def after(
        _connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: Any
    ) -> None:
        context.otel_span.end()

    def failed(error: Any) -> None:
        span: Span | None = getattr(error.execution_context, "otel_span", None)
        if span is not None:
            span.set_status(Status(StatusCode.ERROR, str(error.original_exception)))
            span.end()

    listeners: dict[str, Callable[..., Any]] = {
        "before_cursor_execute": before,
        "after_cursor_execute": after,
        "handle_error": failed,
    }
    for name, listener in listeners.items():
        event.listen(engine, name, listener)

    def stop() -> None:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)

    return stop


def trace_requests(session: requests.Session, provider: TracerProvider | None = None) -> None:
    """Create a span for each request of a session, and pass its context to the server."""
    session.mount("http://", _TracedAdapter(trace.get_tracer(__name__, tracer_provider=provider)))


class _TracedAdapter(HTTPAdapter):
    """Sends with the context of a client span in the headers."""

    def __init__(self, tracer: trace.Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """The answer."""
        method = request.method or "GET"
        attributes = {"http.request.method": method, "url.full": request.url or ""}
        with self._tracer.start_as_current_span(
            method, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            inject(request.headers)
            answer = super().send(request, **options)
            span.set_attribute("http.response.status_code", answer.status_code)
            if answer.status_code >= 400:
                span.set_status(Status(StatusCode.ERROR))
            return answer
