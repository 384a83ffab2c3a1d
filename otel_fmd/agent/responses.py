"""Looks at what an app answered: whether its body is there as a whole, or is streamed.

Werkzeug hands a body on as a `ClosingIterator` whose last callback closes the response, which
leads to it. (An `after_request` function would see the response too: at three times the cost.)
"""

from __future__ import annotations

from types import CodeType, GeneratorType
from typing import Any

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

TEST_CLIENT = "werkzeug.debug.preserve_context"
"""Stands in the environment of requests of Flask's test client."""
_INNER = ("gen", "generator_or_function")
_DEEPEST = 8


def response_of(body: Any) -> Response | None:
    """The response that made a body; None where middleware hides it, or there is none."""
    if type(body) is not ClosingIterator:
        return None
    callbacks: Any = body._callbacks
    for _ in range(_DEEPEST):
        owner = getattr(callbacks[-1], "__self__", None) if callbacks else None
        if isinstance(owner, Response):
            return owner
        # A middleware's own iterator: its first callback closes the body that it got.
        inner = getattr(callbacks[0], "__self__", None) if callbacks else None
        if type(inner) is not ClosingIterator:
            return None
        callbacks = inner._callbacks
    return None


def is_whole(response: Response) -> bool:
    """Whether the body of a response is in memory, so that it takes no more time."""
    body: Any = response.response
    if type(body) is list or not response.is_streamed:
        return True
    # Werkzeug hands an `HTTPException` on as the iterator that its own response made. A server
    # closes it; a test client may not.
    inner = response_of(body)
    return inner is not None and (type(inner.response) is list or not inner.is_streamed)


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
