"""Bodies that are iterated after their request's span has ended, each as a span of its own.

Flask's span ends in teardown, before the server takes a streamed body. So the body gets a child
span, `ENDPOINT (body)`, watched as its request is: its time, outliers and profile are shown as
those of an endpoint of that name. One function for each app looks at its responses, after all
others of the app: one for each request would cost as much as watching it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from types import CodeType, GeneratorType
from typing import Any, Protocol

import flask
from flask import Flask, Response
from opentelemetry import trace

from otel_fmd.agent.levels import OUTLIERS, EndpointState, Levels
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


class StreamedBodies:
    """Has the bodies of watched requests watched, where they turn out to be streamed.

    Args:
        processor: watches them.
        levels: what the process knows of its endpoints.
    """

    def __init__(self, processor: Watching, levels: Levels) -> None:
        self._processor = processor
        self._levels = levels
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()

    def of(self, app: Flask) -> None:
        """Look at the responses of an app from now on."""
        if app in self._apps:
            return
        self._apps.add(app)
        # A new list: requests that run meanwhile go through the old one. The first is called last.
        app.after_request_funcs[None] = [self._look, *self._others(app)]

    def leave(self) -> None:
        """Look at no app any longer."""
        for app in list(self._apps):
            app.after_request_funcs[None] = self._others(app)
        self._apps.clear()

    def _others(self, app: Flask) -> list[Any]:
        return [f for f in app.after_request_funcs.get(None, ()) if f != self._look]

    def _look(self, response: Response) -> Response:
        if type(response.response) is list:  # nearly always, and `is_streamed` takes its time
            return response
        # A file that is passed through stays as it is: servers send it without Python.
        if response.is_streamed and not response.direct_passthrough:
            try:
                self._wrap(response)
            except Exception:
                self._processor.failed("streamed body")
        return response

    def _wrap(self, response: Response) -> None:
        request, span = flask.request, trace.get_current_span()
        rule = request.url_rule
        if rule is None or not span.is_recording():
            return
        level = self._levels.state(rule.endpoint).level
        if level < OUTLIERS:
            return
        parent = trace.set_span_in_context(trace.NonRecordingSpan(span.get_span_context()))
        body: Any = response.response
        response.response = _StreamedBody(
            body, self._processor, self._levels, parent, rule.endpoint + SUFFIX, level, request
        )


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
            if level >= OUTLIERS:
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
