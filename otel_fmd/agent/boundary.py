"""The outermost layer of a monitored app: where a request begins and where it has been answered.

Hooks miss some requests: one that an earlier hook answers, or that raises before them, has no span;
one whose teardown raises leaves its span open, and its context to the next request of the thread.
This layer restores the context, ends spans that are still open, and records the request that no
hook saw. A streamed body belongs to its request, which ends as the server closes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from flask import Flask
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import Context

from otel_fmd import forks
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.agent.responses import TEST_CLIENT, code_of_body, is_whole, response_of
from otel_fmd.agent.running import RunningRequest
from otel_fmd.agent.unseen import make_unseen

_ACTIVATION = "opentelemetry-flask.activation_key"
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Any]


class RequestBoundary:
    """A WSGI application that wraps that of a Flask app.

    Args:
        app: the app.
        wsgi_app: what its `wsgi_app` was.
        processor: watches its requests.
    """

    def __init__(self, app: Flask, wsgi_app: WsgiApp, processor: FmdSpanProcessor) -> None:
        self.app = app
        self.wsgi_app = wsgi_app
        self._processor = processor
        self._key = processor.environ_key
        self.is_off = False
        processor.apps.add(app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Serve a request, and make sure that it is recorded."""
        processor = self._processor
        # An app that passes its environment on to another: the outer one responds to the server.
        if self.is_off or processor.is_stopped or self._key in environ:
            return self.wsgi_app(environ, start_response)
        forks.check()
        running = RunningRequest(processor, environ, start_response)
        environ[self._key] = running
        outer = context_api.get_current()
        try:
            body = self.wsgi_app(environ, running)
        except BaseException as error:
            end_ns = time.time_ns()
            self._close_activation(environ)
            _restore(outer)
            self._answered(running, end_ns, error)
            raise
        end_ns = time.time_ns()
        inner = _restore(outer)
        if running.span is None:
            self._answered(running, end_ns, None)
            return body
        response = response_of(body)
        if response is not None and is_whole(response):
            running.finish(end_ns)
            return body
        try:
            if running.watch is not None and response is not None:
                running.watch.to_body(code_of_body(response.response))
            if trace.get_current_span(inner) is trace.get_current_span(outer):
                # Flask has torn the request down; its body is still part of it.
                inner = trace.set_span_in_context(running.span, inner)
            return _until_closed(body, running, end_ns, inner, processor.streams)
        except Exception:
            processor.failed("streamed body")
            running.finish(end_ns)
            return body

    def __getattr__(self, name: str) -> Any:
        # Attributes of the wrapped callable stay accessible.
        return getattr(self.wsgi_app, name)

    def _close_activation(self, environ: dict[str, Any]) -> None:
        """Close what OpenTelemetry's hook opened and its teardown did not reach.

        The garbage collector would, at another time and in another context, with errors in the
        app's log.
        """
        activation = environ.get(_ACTIVATION)
        generator = getattr(activation, "gen", None)
        if activation is None or getattr(generator, "gi_frame", None) is None:
            return
        try:
            activation.__exit__(None, None, None)
        except Exception:
            self._processor.failed("activation")

    def _answered(self, running: RunningRequest, end_ns: int, error: BaseException | None) -> None:
        if running.span is None:
            try:
                make_unseen(self.app, self._processor, running, error)
            except Exception:
                self._processor.failed("unseen request")
        running.finish(end_ns, error)


def _restore(outer: Context) -> Context:
    """Restore the context from before a request, in place of the one that the app left."""
    inner = context_api.get_current()
    if inner is not outer:
        context_api.attach(outer)
    return inner


def _until_closed(
    body: Any, running: RunningRequest, end_ns: int, context: Any, streams: MutableMapping[int, Any]
) -> Any:
    """A body that ends its request on close, or the body itself if the request has ended."""
    if hasattr(type(body), "__len__"):
        running.finish(end_ns)
        return body
    wrapper = running.environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type) and isinstance(body, wrapper):
        # Servers send their own file wrapper without Python, so it is not wrapped.
        _end_with_file(body, running, end_ns)
        return body
    streamed = StreamedBody(body, running, context)
    streams[id(streamed)] = streamed
    return streamed


def _end_with_file(body: Any, running: RunningRequest, end_ns: int) -> None:
    close = getattr(body, "close", None)

    def close_and_finish() -> None:
        try:
            if close is not None:
                close()
        finally:
            running.finish(time.time_ns())

    try:
        body.close = close_and_finish
    except AttributeError:
        running.finish(end_ns)


class StreamedBody:
    """Iterates a body in the context of its request, and ends the request as it is closed.

    Args:
        body: what the app returned.
        running: its request.
        context: the OpenTelemetry context that the app left.
    """

    def __init__(self, body: Any, running: RunningRequest, context: Any) -> None:
        self._body = body
        self._iterator: Iterator[Any] = iter(body)
        self._running = running
        self._context = context
        self._error: BaseException | None = None
        self._chunks = 0
        self._first_ns = 0
        self._last_ns = time.time_ns()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        running = self._running
        if running.watch is not None:
            running.watch.resume()
        # A body may be iterated by one thread after another, and leave its own spans open in
        # between: its context is saved and restored.
        token = context_api.attach(self._context)
        try:
            chunk = next(self._iterator)
        except StopIteration:
            if TEST_CLIENT in running.environ:
                self._finish(time.time_ns())  # it does not close what it has read
            raise
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._context = context_api.get_current()
            context_api.detach(token)
            self._last_ns = time.time_ns()
        self._chunks += 1
        if self._chunks == 1:
            running.is_answered = True
            self._first_ns = self._last_ns
        return chunk

    def end_now(self) -> None:
        """End the request now, because the process ends."""
        self._finish(time.time_ns())

    def close(self) -> None:
        """Close the body, and end its request."""
        close = getattr(self._body, "close", None)
        token = context_api.attach(self._context)
        try:
            if close is not None:
                close()
        finally:
            context_api.detach(token)
            self._finish(time.time_ns())

    def __del__(self) -> None:
        # A server that never closes it: the request ended with its last chunk.
        self._finish(self._last_ns)

    def _finish(self, end_ns: int) -> None:
        if self._chunks > 1:
            self._running.first_byte_ns = max(0, self._first_ns - self._running.start_ns)
        self._running.finish(end_ns, self._error)
