"""One request of the monitored app, from the server's call until its body is closed.

OpenTelemetry's Flask instrumentation ends its span as Flask tears the request down: before a
streamed body is iterated, and not at all when another teardown function raises first. So the end of
that span is held until the app has answered in full (`boundary.py` says when that is).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import MethodType
from typing import Any, Protocol

from opentelemetry.sdk.trace import Span

from otel_fmd.agent.watch import Watch


class Processor(Protocol):
    """What a request needs of its processor."""

    environ_key: str
    """Its key in the WSGI environment."""
    asks_for_caller: bool
    """Whether functions of the app determine the caller."""

    def add_caller(self, running: RunningRequest) -> None:
        """Record the caller, in the request's context."""

    def finish(self, running: RunningRequest, end_ns: int, error: BaseException | None) -> None:
        """End its span."""

    def failed(self, where: str) -> None:
        """Count an error of ours."""


class RunningRequest:
    """What is known of a request while it runs.

    It stands in for the server's `start_response`, to note the status: one object instead of a
    function made for each request.

    Args:
        processor: watches it.
        environ: its WSGI environment.
        start_response: the server's; None where no boundary of ours was called with the request,
            so that it ends as its span does.
    """

    __slots__ = (
        "_end",
        "_start_response",
        "_wrapper",
        "entry",
        "environ",
        "error",
        "first_byte_ns",
        "is_answered",
        "is_done",
        "processor",
        "request",
        "span",
        "start_ns",
        "status",
        "watch",
    )

    def __init__(
        self,
        processor: Processor,
        environ: dict[str, Any],
        start_response: Callable[..., Any] | None = None,
    ) -> None:
        self.processor = processor
        self.environ = environ
        self._start_response = start_response
        self.start_ns = time.time_ns()
        self.status = ""
        self.span: Span | None = None
        self.entry: Span | None = None
        self.request: Any = None
        self.watch: Watch | None = None
        self.is_done = False
        self.is_answered = False
        self.first_byte_ns: int | None = None
        self.error: BaseException | None = None

    def __call__(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        """The server's `start_response`."""
        self.status = status
        assert self._start_response is not None
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    @property
    def status_code(self) -> int | None:
        """The status that was sent; None when none was."""
        number = self.status[:3]
        return int(number) if number.isascii() and number.isdigit() else None

    @property
    def is_upgrade(self) -> bool:
        """Whether the client asked for a websocket."""
        asked = self.environ.get("HTTP_UPGRADE")
        return asked is not None and "websocket" in asked.lower()

    def hold(self, span: Span, entry: Span) -> None:
        """Hold the end of `span`, the first of this request; `entry` is the one that it becomes."""
        self.span, self.entry = span, entry
        # A wrapper that stood before us is called by ours and put back. Ours is taken away again:
        # an object that holds a method of its own is freed by the garbage collector only. (Not
        # looked up in `__dict__`: that makes the interpreter reach every attribute a slower way.)
        end = span.end
        self._end = end
        self._wrapper = type(end) is not MethodType
        span.end = self._ended  # type: ignore[method-assign]

    def finish(self, end_ns: int, error: BaseException | None = None) -> None:
        """End the request's span, once; never raises."""
        if self.is_done:
            return
        self.is_done = True
        # Each holds the other: what goes in a cycle waits for the garbage collector.
        self.environ.pop(self.processor.environ_key, None)
        span = self.span
        if span is None:
            return
        if self._wrapper:
            span.end = self._end  # type: ignore[method-assign]
        else:
            del span.end
        try:
            self.processor.finish(self, end_ns, error)
        except Exception:
            self.processor.failed("finish")
            self._end(end_ns)
        finally:
            # Its traceback holds frames, which may hold this request.
            self.error = None

    def end(self, end_ns: int) -> None:
        """End the span itself."""
        self._end(end_ns)

    def _ended(self, end_time: int | None = None) -> None:
        """Stands in for `span.end`: Flask tears the request down, in its context."""
        if self.processor.asks_for_caller:
            self.processor.add_caller(self)
        if self.entry is not None and self.entry._events:
            # The span is ended while the exception that it has recorded is on its way.
            self.error = sys.exception()
        if self._start_response is None:
            self.finish(time.time_ns() if end_time is None else end_time)
