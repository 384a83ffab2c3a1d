"""The span processor inside the monitored app: names, levels, outliers and profiles of requests.

Everything here is guarded: an error of ours is counted, logged once, and never reaches a request.
"""

from __future__ import annotations

import inspect
import logging
import time
from types import CodeType, MethodType
from typing import Any, Protocol

import flask
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_fmd.agent.group_by import group_by_text
from otel_fmd.agent.levels import OUTLIERS, PROFILES, EndpointState, Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.outlier import outlier_attributes
from otel_fmd.agent.stream import StreamedBodies
from otel_fmd.agent.watch import Watch
from otel_fmd.agent.watcher import Watcher
from otel_fmd.spans import semconv
from otel_fmd.spans.profile import profile_attributes
from otel_fmd.spans.sdk import add_attributes, attributes_of

_log = logging.getLogger(__name__)
_FLASK_SCOPE = "opentelemetry.instrumentation.flask"


class Beside(Protocol):
    """A thread that runs beside a process that serves requests."""

    running: bool

    def start(self) -> None:
        """Start it in this process."""


class Sink(Protocol):
    """Where ended spans go when no exporter of the SDK carries them."""

    def take(self, span: ReadableSpan, attributes: dict[str, Any]) -> None:
        """Take an ended span, with its attributes; never waits, never raises."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until all that was taken is durable."""

    def shutdown(self) -> None:
        """Store what waits, and stop."""


class FmdSpanProcessor(SpanProcessor):
    """Watches the requests of Flask apps.

    Args:
        options: see `AgentOptions`.
        levels: what the process knows of its endpoints.
        sink: takes ended spans in this process; None: the provider's exporters carry them.
    """

    def __init__(self, options: AgentOptions, levels: Levels, sink: Sink | None = None) -> None:
        self._options = options
        self._levels = levels
        self._sink = sink
        self._watcher = Watcher(options.sampling_period_ms, options.switch_interval_ms)
        self._bodies = StreamedBodies(self, levels)
        self._has_who = options.group_by is not None or options.get_ip is not None
        self._stopped = False
        self._said: set[str] = set()
        self.errors = 0
        self.beside: Beside | None = None
        self.tracer: trace.Tracer = trace.NoOpTracer()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Name the request, and watch it as its endpoint's level asks."""
        scope = span.instrumentation_scope
        if scope is None or scope.name != _FLASK_SCOPE or self._stopped:
            return
        try:
            self._start(span, parent_context)
        except Exception:
            self.failed("start")

    def on_end(self, span: ReadableSpan) -> None:
        """Note how long it took, and hand the span to the sink."""
        if self._stopped:
            return
        try:
            attributes = attributes_of(span)
            if self._sink is not None:
                self._sink.take(span, attributes)
            endpoint = attributes.get(semconv.FLASK_ENDPOINT)
            if endpoint is not None:
                start, end = span.start_time, span.end_time
                if start is not None and end is not None:
                    self._levels.ended(endpoint, end - start)
        except Exception:
            self.failed("end")

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every ended request is durable."""
        return self._sink is None or self._sink.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Stop watching, and store what waits; the processor stays, and does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._watcher.stop()
        self._bodies.leave()
        if self._sink is not None:
            self._sink.shutdown()

    def watch(
        self, state: EndpointState, code: CodeType | None, environ: dict[str, Any], level: int
    ) -> Watch:
        """Watch what this thread does from now on."""
        threshold_ns = self._levels.threshold_ns(state)
        watch = Watch(code, environ, threshold_ns, level >= PROFILES)
        self._watcher.add(watch)
        return watch

    def unwatch(self, watch: Watch) -> bool:
        """Watch it no longer; whether it took longer than its threshold."""
        self._watcher.remove(watch)
        return watch.snapshot is not None or time.perf_counter_ns() > watch.deadline_ns

    def failed(self, where: str) -> None:
        """Count an error of ours, and log the first of its kind."""
        self.errors += 1
        if where not in self._said:
            self._said.add(where)
            _log.exception("otel-fmd: %s failed; the request is not affected (said once)", where)

    def _start(self, span: Span, parent_context: Context | None) -> None:
        if self.beside is not None and not self.beside.running:
            self.beside.start()
        request = flask.request._get_current_object()  # type: ignore[attr-defined]
        rule = request.url_rule
        if rule is None:
            return
        state = self._levels.state(rule.endpoint)
        level = state.level
        entry = span
        if span.kind is not trace.SpanKind.SERVER:
            entry = _entry_span(span, parent_context)
        attributes = {semconv.FLASK_ENDPOINT: rule.endpoint, semconv.MONITOR_LEVEL: level}
        if self._options.version:
            attributes[semconv.AGENT_VERSION] = self._options.version
        add_attributes(entry, attributes)
        if level < OUTLIERS and not self._has_who:
            return
        watch = None
        if level >= OUTLIERS:
            if state.rule is not rule:
                state.code = _code_of(rule.endpoint)
                state.rule = rule
                self._bodies.of(flask.current_app._get_current_object())  # type: ignore[attr-defined]
            watch = self.watch(state, state.code, request.environ, level)
        self._finish_at_end(span, entry, watch)

    def _finish_at_end(self, span: Span, entry: Span, watch: Watch | None) -> None:
        # A wrapper that stood before us is called by ours and put back. Ours is taken away again:
        # an object that holds a method of its own is freed by the garbage collector only. (Not
        # looked up in `__dict__`: that makes the interpreter reach every attribute a slower way.)
        end = span.end
        is_wrapped = type(end) is not MethodType

        def finish(end_time: int | None = None) -> None:
            # The SDK's hook `_on_ending` comes too late: the span takes no more events then.
            if is_wrapped:
                span.end = end  # type: ignore[method-assign]
            else:
                del span.end
            try:
                self._finish(entry, watch)
            except Exception:
                self.failed("finish")
            end(end_time)

        span.end = finish  # type: ignore[method-assign]

    def _finish(self, span: Span, watch: Watch | None) -> None:
        if watch is not None:
            if self.unwatch(watch):
                attributes = outlier_attributes(watch.snapshot, self._options)
                span.add_event(semconv.EVENT_OUTLIER, attributes)
            profile = watch.profile() if watch.samples else None
            if profile is not None:
                span.add_event(semconv.EVENT_PROFILE, profile_attributes(profile))
        if self._has_who:
            self._add_who(span)

    def _add_who(self, span: Span) -> None:
        """The user and the address, in the request's context."""
        options = self._options
        if options.group_by is not None:
            try:
                span.set_attribute("fmd.group_by", group_by_text(options.group_by))
            except Exception:
                self.failed("group_by")
        if options.get_ip is not None:
            try:
                span.set_attribute("client.address", str(options.get_ip()))
            except Exception:
                self.failed("get_ip")

    @property
    def options(self) -> AgentOptions:
        """How requests are watched."""
        return self._options


def _entry_span(span: Span, parent_context: Context | None) -> Span:
    """The span that becomes the request: under an outer WSGI instrumentation, the outer one."""
    parent = trace.get_current_span(parent_context)
    if isinstance(parent, Span) and parent.kind is trace.SpanKind.SERVER and parent.is_recording():
        return parent
    return span


def _code_of(endpoint: str) -> CodeType | None:
    """The code of an endpoint's function in the current app, below what decorates it."""
    view: Any = inspect.unwrap(flask.current_app.view_functions[endpoint])
    code = getattr(getattr(view, "__func__", view), "__code__", None)
    return code if isinstance(code, CodeType) else None
