"""How a request ended: with an error that reached the server, or as a websocket."""

from __future__ import annotations

from types import CodeType

from opentelemetry import trace
from opentelemetry.sdk.trace import Event, Span

from otel_fmd.agent.levels import Levels
from otel_fmd.agent.running import RunningRequest
from otel_fmd.signals import semconv
from otel_fmd.signals.sdk import add_attributes, attributes_of

_FAILED = 500


def note_error(running: RunningRequest, entry: Span, error: BaseException) -> None:
    """Record what the app raised out of a request, and the status that the server then sends."""
    if running.is_upgrade and not running.status:
        return  # how servers take leave of a websocket
    if not any(event.name == semconv.EVENT_EXCEPTION for event in entry.events):
        entry.record_exception(error)
    entry.set_status(trace.StatusCode.ERROR)
    if not running.is_answered:
        # The server answers in the app's place.
        add_attributes(entry, dict.fromkeys(_status_names(entry), _FAILED))


def was_upgraded(running: RunningRequest, entry: Span, levels: Levels) -> bool:
    """Whether the request became a websocket.

    Only some servers let an app say so. Under the others the view answers as any view does
    when the connection is over, into a socket that is no longer HTTP: with a success, or with
    the 500 of an exception that it let through.
    """
    if not running.is_upgrade:
        return False
    status = running.status_code
    if status is None or status == semconv.SWITCHING_PROTOCOLS:
        return True
    rule = running.request.url_rule if running.request is not None else None
    if rule is None or not rule.websocket:
        return False
    if status == _FAILED:
        code = levels.state(rule.endpoint).code
        return any(_passed_through(event, code) for event in entry.events)
    return 200 <= status < 300


def _passed_through(error: Event, code: CodeType | None) -> bool:
    """Whether the stack of a recorded exception has a frame of this code."""
    if error.name != semconv.EVENT_EXCEPTION or code is None:
        return False
    stack = str((error.attributes or {}).get("exception.stacktrace", ""))
    start, end = f'File "{code.co_filename}", line ', f", in {code.co_name}"
    return any(
        line.lstrip().startswith(start) and line.endswith(end) for line in stack.splitlines()
    )


def _status_names(entry: Span) -> list[str]:
    found = [name for name in semconv.STATUS_CODE if name in attributes_of(entry)]
    return found or [semconv.STATUS_CODE[0]]
