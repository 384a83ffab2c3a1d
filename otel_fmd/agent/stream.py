"""Bodies that are iterated after their request's span has ended, each as a span of its own.

Flask's span ends in teardown, before the server takes a streamed body. So the body gets a child
span, `ENDPOINT (body)`, watched as its request is: its time, outliers and profile are shown as
those of an endpoint of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, GeneratorType
from typing import Any, Protocol

import flask
from flask import Response
from opentelemetry import trace
from opentelemetry.sdk.trace import Span

from otel_fmd.agent.levels import EndpointState, Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.outlier import streamed_attributes
from otel_fmd.agent.watch import Watch
from otel_fmd.spans import semconv
from otel_fmd.spans.profile import profile_attributes

SUFFIX = " (body)"
_INNER = ("gen", "generator_or_function")


class Watching(Protocol):
    """What watches a body, as it watches requests: `FmdSpanProcessor`."""

    tracer: trace.Tracer

    @property
    def options(self) -> AgentOptions:
        """How requests are watched."""

    def watch(
        self, state: EndpointState, code: CodeType | None, environ: dict[str, Any], level: int
    ) -> Watch:
        """Watch what this thread does from now on."""

    def unwatch(self, watch: Watch) -> bool:
        """Watch it no longer; whether it took longer than its threshold."""

    def failed(self, where: str) -> None:
        """Count an error of ours, and log the first of its kind."""


def watch_streamed_body(
    processor: Watching, levels: Levels, span: Span, endpoint: str, level: int
) -> None:
    """Have the body of Flask's current request watched, if it turns out to be streamed."""

    def wrap(response: Response) -> Response:
        # A file that is passed through stays as it is: servers send it without Python.
        if response.is_streamed and not response.direct_passthrough:
            try:
                parent = trace.set_span_in_context(trace.NonRecordingSpan(span.get_span_context()))
                body: Any = response.response
                response.response = _StreamedBody(
                    body, processor, levels, parent, endpoint + SUFFIX, level, flask.request
                )
            except Exception:
                processor.failed("streamed body")
        return response

    flask.after_this_request(wrap)


class _StreamedBody:
    """Iterates a body within a span; closes it as the server asks."""

    def __init__(
        self,
        body: Any,
        processor: Watching,
        levels: Levels,
        parent: Any,
        name: str,
        level: int,
        request: Any,
    ) -> None:
        self._body = body
        self._iterator: Iterator[Any] = iter(body)
        self._processor = processor
        self._state = levels.state(name)
        if self._state.mean.count == 0:
            self._state.level = level
        self._parent = parent
        self._name = name
        self._url, self._environ = request.url, request.environ
        self._span: trace.Span | None = None
        self._watch: Watch | None = None
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._span is None:
            self._begin()
        try:
            return next(self._iterator)
        except StopIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error)
            raise

    def close(self) -> None:
        """End the span, and close the body."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._end(None)

    def _begin(self) -> None:
        level = self._state.level
        attributes: dict[str, Any] = {
            semconv.FLASK_ENDPOINT: self._name,
            semconv.MONITOR_LEVEL: level,
            semconv.STREAMED: True,
        }
        if self._processor.options.version:
            attributes[semconv.AGENT_VERSION] = self._processor.options.version
        try:
            self._span = self._processor.tracer.start_span(
                self._name, self._parent, attributes=attributes
            )
            if level >= 2:
                code = _code_of(self._body)
                self._watch = self._processor.watch(self._state, code, self._environ, level)
        except Exception:
            self._span = self._span or trace.INVALID_SPAN
            self._processor.failed("streamed body")

    def _end(self, error: BaseException | None) -> None:
        if self._ended or self._span is None:
            return
        self._ended = True
        try:
            self._finish(self._span, error)
        except Exception:
            self._processor.failed("streamed body")
        self._span.end()

    def _finish(self, span: trace.Span, error: BaseException | None) -> None:
        watch = self._watch
        if watch is not None:
            if self._processor.unwatch(watch):
                found = streamed_attributes(self._url, watch.snapshot, self._processor.options)
                span.add_event(semconv.EVENT_OUTLIER, found)
            profile = watch.profile()
            if profile is not None:
                span.add_event(semconv.EVENT_PROFILE, profile_attributes(profile))
        if error is not None and not isinstance(error, GeneratorExit):
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR)


def _code_of(body: Any) -> CodeType | None:
    """The code of the generator that makes a body, below Flask's `stream_with_context`."""
    if not isinstance(body, GeneratorType):
        return None
    if "/flask/" in body.gi_code.co_filename and body.gi_frame is not None:
        values = body.gi_frame.f_locals
        inner = next((values[n] for n in _INNER if isinstance(values.get(n), GeneratorType)), None)
        if inner is not None:
            code: CodeType = inner.gi_code
            return code
    return body.gi_code
