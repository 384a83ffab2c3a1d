"""The span processor inside the monitored app: names, levels, outliers and profiles of requests.

Everything here is guarded: an error of ours is counted, logged once, and never reaches a request.
"""

from __future__ import annotations

import logging
import weakref
from types import CodeType
from typing import Any, Protocol

import flask
from flask import Flask
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_fmd import forks
from otel_fmd.agent.entry import is_request, unmatched_attributes
from otel_fmd.agent.exceptions import ExceptionDescriber
from otel_fmd.agent.group_by import group_of
from otel_fmd.agent.levels import OUTLIERS, PROFILES, REQUESTS, EndpointState, Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.outcome import note_error, was_upgraded
from otel_fmd.agent.outlier import outlier_attributes
from otel_fmd.agent.running import RunningRequest
from otel_fmd.agent.sink import Sink
from otel_fmd.agent.views import code_of_view
from otel_fmd.agent.watch import Watch
from otel_fmd.agent.watcher import Watcher
from otel_fmd.log_limit import LogLimit
from otel_fmd.requests.profile import profile_attributes
from otel_fmd.signals import semconv
from otel_fmd.signals.sdk import add_attributes, attributes_of

_log = logging.getLogger(__name__)
_FLASK_SCOPE = "opentelemetry.instrumentation.flask"
_SERVED = "opentelemetry-flask.starttime_key"
"""Key in the environment of every request that passed through the app's `wsgi_app`."""


class Background(Protocol):
    """A background thread of a process that serves requests."""

    @property
    def running(self) -> bool:
        """Whether it was started in this process."""

    def start(self) -> None:
        """Start it in this process."""


class FmdSpanProcessor(SpanProcessor):
    """Watches the requests of Flask apps.

    Args:
        options: see `AgentOptions`.
        levels: what the process knows of its endpoints.
        sink: takes ended spans in this process; None: the provider's exporters carry them.
    """

    def __init__(self, options: AgentOptions, levels: Levels, sink: Sink | None = None) -> None:
        self.options = options
        self.describer = ExceptionDescriber(options.redactor, options.keep_variables)
        """What is added to exceptions."""
        self._levels = levels
        self._sink = sink
        self._watcher = Watcher(options.sampling_period_ms, options.switch_interval_ms)
        self.asks_for_caller = options.group_by is not None or options.get_ip is not None
        """Whether the app's functions say who sent a request."""
        self._said: set[str] = set()
        self.environ_key = f"otel_fmd.request.{id(self):x}"
        """Where the environment of a request has its `RunningRequest`."""
        self.apps: weakref.WeakSet[Flask] = weakref.WeakSet()
        """The apps that it watches."""
        self.streams: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        """Bodies that are being streamed; each has `end_now`."""
        self.is_stopped = False
        self.errors = 0
        self.hidden = 0
        self._hidden_limit = LogLimit()
        self.background: Background | None = None
        self.tracer: trace.Tracer = trace.NoOpTracer()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Name the request, and watch it as its endpoint's level asks."""
        scope = span.instrumentation_scope
        if scope is None or scope.name != _FLASK_SCOPE or self.is_stopped:
            return
        try:
            self._start(span, parent_context)
        except Exception:
            self.failed("start")

    def on_end(self, span: ReadableSpan) -> None:
        """Note how long it took, and hand the span to the sink."""
        if self.is_stopped:
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
        """Wait until every ended request is durable; False when some was not stored."""
        self._watcher.finish_all()
        return self._sink is None or self._sink.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Stop watching, and store what waits; the processor stays, and does nothing."""
        if self.is_stopped:
            return
        self.end_streams()
        self._watcher.stop()
        self._watcher.finish_all()
        self.is_stopped = True
        stop = getattr(self.background, "stop", None)
        if stop is not None:
            stop()
        if self._sink is not None:
            self._sink.shutdown()

    def end_streams(self) -> None:
        """End the requests whose bodies are being streamed.

        They were answered, and the process that answers them ends.
        """
        # A copy that no other thread can change meanwhile: more may begin.
        for reference in self.streams.valuerefs():
            body = reference()
            if body is not None:
                body.end_now()

    def not_sampled(self) -> None:
        """Count a request that the SDK's sampler hid, and say so once a minute."""
        self.hidden += 1
        if self._hidden_limit.allows():
            _log.warning(
                "%d requests are missing so far: the SDK or the caller's `traceparent` decided not "
                "to sample them; set OTEL_TRACES_SAMPLER=always_on to see all",
                self.hidden,
            )

    def set_options(self, options: AgentOptions) -> None:
        """Use these options from now on."""
        self.options = options
        self.asks_for_caller = options.group_by is not None or options.get_ip is not None

    def level_of(self, endpoint: str) -> int:
        """The monitor level in force for an endpoint; '' for a request without one."""
        level = self._levels.state(endpoint).level if endpoint else REQUESTS
        return min(level, REQUESTS) if forks.is_unannounced() else level

    def describe(self, entry: Span, attributes: dict[str, Any]) -> None:
        """Name a request whose span another library created; an existing endpoint is kept."""
        if semconv.FLASK_ENDPOINT not in attributes_of(entry):
            if self.options.version:
                attributes[semconv.AGENT_VERSION] = self.options.version
            add_attributes(entry, attributes)

    def failed(self, where: str) -> None:
        """Count an error of ours, and log the first of its kind."""
        self.errors += 1
        if where not in self._said:
            self._said.add(where)
            _log.exception("otel-fmd: %s failed; the request is not affected (logged once)", where)

    def add_caller(self, running: RunningRequest) -> None:
        """The user and the address, in the request's context."""
        entry, options = running.entry, self.options
        if entry is None:
            return
        if options.group_by is not None:
            try:
                group = group_of(options.group_by)
                if group is not None:
                    entry.set_attribute("fmd.group_by", group)
            except Exception:
                self.failed("group_by")
        if options.get_ip is not None:
            try:
                address = options.get_ip()
                if address is not None:
                    entry.set_attribute("client.address", str(address))
            except Exception:
                self.failed("get_ip")

    def finish(self, running: RunningRequest, end_ns: int, error: BaseException | None) -> None:
        """End a request's span; where there is something to add that takes time, a little later.

        The request's own thread measures; the watcher thread does the rest.
        """
        watch, entry = running.watch, running.entry
        if watch is not None:
            watch.end()
            self._watcher.remove(watch)
        if entry is None:
            running.end(end_ns)
            return
        if error is not None:
            note_error(running, entry, error)
        if error is not None or running.error is not None:
            self._describe_error(entry, error or running.error, end_ns)
        if "HTTP_UPGRADE" in running.environ and was_upgraded(running, entry, self._levels):
            add_attributes(entry, {"http.response.status_code": semconv.SWITCHING_PROTOCOLS})
        if running.first_byte_ns is not None:
            add_attributes(entry, {semconv.FIRST_BYTE_NS: running.first_byte_ns})
        if watch is None or not (watch.is_late or watch.samples):
            running.end(end_ns)
            return
        if entry is not running.span:
            self._complete(running, end_ns)  # an outer span ends with the answer
        elif not self._watcher.later(lambda: self._complete(running, end_ns)):
            running.end(end_ns)

    def _describe_error(self, entry: Span, error: BaseException | None, end_ns: int) -> None:
        """Add what the exception's text does not say, if it was not said lately."""
        described = self.describer.attributes(error) if error is not None else None
        if described:
            entry.add_event(semconv.EVENT_FUNCTIONS, described, end_ns)

    def _start(self, span: Span, parent_context: Context | None) -> None:
        if self.background is not None and not self.background.running:
            self.background.start()
        request = flask.request._get_current_object()  # type: ignore[attr-defined]
        environ = request.environ
        running = environ.get(self.environ_key)
        if running is None:
            if _SERVED not in environ:
                # Created by `test_request_context`, say in a command: not a request from a server.
                span._kind = trace.SpanKind.INTERNAL
                return
            running = RunningRequest(self, environ)
        elif running.span is not None:
            return  # a view that dispatches another in the same request
        entry: Any = span
        if span.kind is not trace.SpanKind.SERVER:
            entry = trace.get_current_span(parent_context)
            if not is_request(entry):
                return  # a view that sends a request to its own process
        running.hold(span, entry)
        running.request = request
        self._describe_endpoint(running, entry)

    def _describe_endpoint(self, running: RunningRequest, entry: Span) -> None:
        """Name the endpoint of a request that begins, and watch it as its level asks."""
        environ, rule = running.environ, running.request.url_rule
        if rule is None:
            add_attributes(entry, unmatched_attributes(entry, environ))
            return
        state = self._levels.state(rule.endpoint)
        level = state.level
        if level > REQUESTS and forks.is_unannounced():
            level = REQUESTS
        attributes = {semconv.FLASK_ENDPOINT: rule.endpoint, semconv.MONITOR_LEVEL: level}
        if self.options.version:
            attributes[semconv.AGENT_VERSION] = self.options.version
        add_attributes(entry, attributes)
        if state.rule is not rule:
            state.code = self._code_of(rule.endpoint, level)
            state.rule = rule
        if level >= OUTLIERS and not ("HTTP_UPGRADE" in environ and running.is_upgrade):
            running.watch = self._watch(state, environ, level)

    def _watch(self, state: EndpointState, environ: dict[str, Any], level: int) -> Watch:
        threshold_ns = self._levels.threshold_ns(state)
        watch = Watch(state.code, environ, threshold_ns, level >= PROFILES)
        self._watcher.add(watch)
        return watch

    def _code_of(self, endpoint: str, level: int) -> CodeType | None:
        code = code_of_view(flask.current_app.view_functions.get(endpoint))
        if code is None and level >= PROFILES:
            view = flask.current_app.view_functions.get(endpoint)
            _log.warning(
                "no profiles of endpoint %r: its view is %s, which has no Python code to sample",
                endpoint,
                type(view).__qualname__,
            )
        return code

    def _complete(self, running: RunningRequest, end_ns: int) -> None:
        """Add the outlier and the profile, and end the span; by the watching thread."""
        watch, entry = running.watch, running.entry
        assert watch is not None
        assert entry is not None
        try:
            if watch.is_late:
                attributes = outlier_attributes(
                    running.request, watch.snapshot, self.options.redactor
                )
                entry.add_event(semconv.EVENT_OUTLIER, attributes, end_ns)
            profile = watch.profile(self._watcher.released) if watch.samples else None
            if profile is not None:
                entry.add_event(semconv.EVENT_PROFILE, profile_attributes(profile), end_ns)
        except Exception:
            self.failed("finish")
        running.end(end_ns)
