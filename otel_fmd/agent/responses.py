"""Looks at the responses of an app: whether a body is there as a whole, or is streamed.

One function for each app, called after all others of it: one for each request would cost as much
as watching the request.
"""

from __future__ import annotations

import weakref
from types import CodeType, GeneratorType
from typing import TYPE_CHECKING, Any

import flask
from flask import Flask, Response
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from otel_fmd.agent.processor import FmdSpanProcessor

TEST_CLIENT = "werkzeug.debug.preserve_context"
"""Stands in the environment of requests of Flask's test client."""
_INNER = ("gen", "generator_or_function")


class Responses:
    """Looks at the responses of the apps whose requests are watched.

    Args:
        processor: watches them.
    """

    def __init__(self, processor: FmdSpanProcessor) -> None:
        self._processor = processor
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
        environ = flask.request.environ
        running = environ.get(self._processor.environ_key)
        if running is None:
            return response
        body: Any = response.response
        if type(body) is list or not response.is_streamed or _is_unread_page(response, environ):
            running.is_whole = True
        elif running.watch is not None:
            try:
                running.watch.to_body(code_of_body(body))
            except Exception:
                self._processor.failed("streamed body")
        return response


def _is_unread_page(response: Response, environ: dict[str, Any]) -> bool:
    """Whether it is an error page on its way to a test client, which may never read it.

    Werkzeug hands the body of an `HTTPException` on as an iterator. A server closes it.
    """
    return (
        type(response.response) is ClosingIterator
        and response.content_length is not None
        and TEST_CLIENT in environ
    )


def code_of_body(body: Any) -> CodeType | None:
    """The code of the generator that makes a body, below Flask's `stream_with_context`."""
    if not isinstance(body, GeneratorType):
        return None
    if "/flask/" in body.gi_code.co_filename.replace("\\", "/") and body.gi_frame is not None:
        values = body.gi_frame.f_locals
        inner = next((values[n] for n in _INNER if isinstance(values.get(n), GeneratorType)), None)
        if inner is not None:
            code: CodeType = inner.gi_code
            return code
    return body.gi_code
