"""Exceptions that span events and log records tell of, before they have ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from otel_fmd.analysis.text import fit
from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import GROUP_BY_WIDTH, Translator
from otel_fmd.signals import semconv
from otel_fmd.signals.log_record import EXCEPTION_ATTRIBUTES, SEVERITIES, LogRecord
from otel_fmd.signals.record import AttributeValue, Resource, Span, as_text

_LONGEST_MESSAGE = 20_000
_LONGEST_STACK = 1_000_000
_MOST_FUNCTIONS = 100
_FEW = 20
"""Exceptions of a body that are told apart when they come again."""
_USER = frozenset(semconv.USER)
_OF_RECORDS = EXCEPTION_ATTRIBUTES | _USER
_LEAST_SEVERITY = SEVERITIES["ERROR"]


class FunctionSource(NamedTuple):
    """The source of a function on a stack, as our agent sends it.

    `line` is the one that the frame is at, `start` the first of the function.
    """

    file: str
    name: str
    line: int
    start: int
    code: str
    variables: str = ""
    """Local variables as a JSON object, without secrets; '' where they were not kept."""


class ExceptionEvent(NamedTuple):
    """One exception: when, where and in which request it was raised, and what it said.

    `stack` is the text of the stack trace in its language's own format, '' without one; `time_us`
    unix microseconds. `is_captured`: the app handled it, and reported it with `otel_fmd.capture`.
    `body` is the same for all exceptions of one body that is sent again, '' where the request of
    the exception tells a repetition. `is_record`: a log record told of it.
    """

    service: str
    version: str
    time_us: int
    type: str
    message: str
    stack: str
    language: str
    trace_id: bytes
    span_id: bytes
    user: str | None
    is_captured: bool
    functions: Sequence[FunctionSource] = ()
    body: str = ""
    parent_span_id: bytes = b""
    is_record: bool = False

    @property
    def key(self) -> tuple[bytes, str, str, str, str]:
        """The same for everything of a trace that tells of one exception.

        Log records have types without their module.
        """
        kind = self.type.rpartition(".")[2]
        return self.trace_id, self.service, kind, self.message, raise_site(self.stack)


def raise_site(stack: str) -> str:
    """The line of a stack trace that names its innermost frame; '' without one.

    The same wherever the exception was recorded: outer spans only see more of the calls.
    """
    place = stack.rfind('\n  File "')
    if place >= 0:
        return stack[place + 1 :].partition("\n")[0]
    return next((line for line in stack.split("\n")[1:] if line[:1] in (" ", "\t")), "")


def exceptions_of(request: Request) -> list[ExceptionEvent]:
    """The exceptions of a request's own span, oldest first."""
    if not request.span.has_events:
        return []
    events = list(request.span.source.events(request.span.raw))
    raised = [event for event in events if event.name == semconv.EVENT_EXCEPTION]
    if not raised:
        return []
    found = [
        _event(
            request.service,
            request.version,
            event.time_ns,
            event.attributes,
            request.span.resource,
            request.trace_id,
            request.span_id,
            request.group_by,
        )
        for event in raised
    ]
    described = [event for event in events if event.name == semconv.EVENT_FUNCTIONS]
    if described:
        # It was added as the request ended: with the last exception, which ended it.
        functions = _functions(described[-1].attributes)
        found[-1] = found[-1]._replace(functions=functions)
    return _once(found)


def exceptions_of_spans(spans: Iterable[Span], translator: Translator) -> list[ExceptionEvent]:
    """The exceptions of spans that are no requests, which came in one body."""
    found: list[ExceptionEvent] = []
    for span in spans:
        source, raw = span.source, span.raw
        events = [e for e in source.events(raw) if e.name == semconv.EVENT_EXCEPTION]
        if not events:
            continue
        attributes = source.attributes(raw, _USER)
        user = next((attributes[name] for name in semconv.USER if attributes.get(name)), None)
        service, version = translator.service_and_version(span.resource)
        made = [
            _event(
                service,
                version,
                event.time_ns,
                event.attributes,
                span.resource,
                span.trace_id,
                span.span_id,
                user,
            )
            for event in events
        ]
        found += [one._replace(parent_span_id=span.parent_span_id) for one in _once(made)]
    return with_body(found)


def exceptions_of_records(
    records: Iterable[LogRecord], translator: Translator
) -> list[ExceptionEvent]:
    """The exceptions that the log records of one body tell of.

    Events of the name `exception`, whatever their severity; other records with an exception if
    they are errors: what is logged as a warning was expected.

    Source: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
    """
    found = []
    for record in records:
        is_event = record.event_name == semconv.EVENT_EXCEPTION
        if not is_event and record.severity < _LEAST_SEVERITY:
            continue
        attributes = record.attributes(_OF_RECORDS)
        if not (attributes.get("exception.type") or attributes.get("exception.message")):
            continue
        user = next((attributes[name] for name in semconv.USER if attributes.get(name)), None)
        service, version = translator.service_and_version(record.resource)
        made = _event(
            service,
            version,
            record.time_ns,
            attributes,
            record.resource,
            record.trace_id,
            record.span_id,
            user,
        )
        found.append(made._replace(is_record=True, is_captured=not is_event))
    return with_body(found)


def with_body(events: Sequence[ExceptionEvent]) -> list[ExceptionEvent]:
    """The events of one body, marked so that they are recognised when they come again.

    Few of them each by itself, so that they may come in another body then; many together.
    """
    if not events:
        return []
    digest = blake2b("".join(map(_digest_of, events)).encode(), digest_size=16)
    if len(events) > _FEW:
        body = digest.hexdigest()
        return [event._replace(body=body) for event in events]
    return [event._replace(body=_digest_of(event)) for event in events]


def _digest_of(event: ExceptionEvent) -> str:
    digest = blake2b(event.trace_id + event.span_id, digest_size=16)
    digest.update(event.time_us.to_bytes(8, "big"))
    digest.update(f"{event.type}\n{event.message}".encode("utf-8", "replace"))
    return digest.hexdigest()


def _event(
    service: str,
    version: str,
    time_ns: int,
    attributes: Mapping[str, AttributeValue],
    resource: Resource,
    trace_id: bytes,
    span_id: bytes,
    user: AttributeValue | None,
) -> ExceptionEvent:
    def text(name: str, longest: int) -> str:
        value = attributes.get(name)
        return "" if value is None else as_text(value)[:longest]

    return ExceptionEvent(
        service,
        version,
        min(max(0, time_ns // 1000), 2**62),
        text("exception.type", 256),
        text("exception.message", _LONGEST_MESSAGE),
        text("exception.stacktrace", _LONGEST_STACK),
        as_text(resource.attributes.get("telemetry.sdk.language") or ""),
        trace_id,
        span_id,
        fit(as_text(user), GROUP_BY_WIDTH) or None if user else None,
        attributes.get(semconv.CAPTURED) is True,
        _functions(attributes),
    )


def _once(events: list[ExceptionEvent]) -> list[ExceptionEvent]:
    """The events of one span, without those that were captured before the app let them go on."""
    raised = {event.key for event in events if not event.is_captured}
    return [event for event in events if not (event.is_captured and event.key in raised)]


def _functions(attributes: Mapping[str, AttributeValue]) -> tuple[FunctionSource, ...]:
    """What our agent says of the functions on the stack; nothing where anything is missing."""
    columns: list[Any] = [attributes.get(name) for name in semconv.FUNCTION_COLUMNS]
    if not all(isinstance(column, list | tuple) for column in columns):
        return ()
    found = []
    for row in zip(*(column[:_MOST_FUNCTIONS] for column in columns), strict=False):
        file, name, line, start, code, variables = row
        if type(line) is int and type(start) is int and 0 <= start < 2**31 and 0 <= line < 2**31:
            found.append(
                FunctionSource(str(file), str(name), line, start, str(code), str(variables))
            )
    return tuple(found)
