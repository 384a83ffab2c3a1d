"""Exceptions of a batch with what each is, and what is kept of those that are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_fmd.analysis.exceptions.trace import StackTrace
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import clean
from otel_fmd.ingest.exceptions.stack_traces import StackTraceRegistry
from otel_fmd.requests.exception_secrets import ExceptionSecrets
from otel_fmd.requests.exceptions import ExceptionEvent

_MOST_DETAILS, _TEXT = 60_000, 2_000


class Kept(NamedTuple):
    """What an occurrence that is kept refers to."""

    type_id: int
    message_id: int
    stack_trace_id: int
    details: str | None


class Occurred(NamedTuple):
    """An exception with what it is; `kept` is None where it is only counted."""

    event: ExceptionEvent
    variant_id: int
    version_id: int
    endpoint_id: int
    kept: Kept | None


class PreparedExceptions(NamedTuple):
    """The exceptions of a batch: of its requests by (trace id, span id), and all others."""

    of_requests: Mapping[tuple[bytes, bytes], Sequence[Occurred]]
    others: Sequence[Occurred]

    @property
    def is_empty(self) -> bool:
        """Whether there are none, as in almost every batch."""
        return not self.of_requests and not self.others


NOTHING = PreparedExceptions({}, ())


def kept_of(
    event: ExceptionEvent, trace: StackTrace, traces: StackTraceRegistry, redactor: Redactor
) -> Kept:
    """What the row of an occurrence refers to, and what it has of its own; without secrets."""
    secrets = ExceptionSecrets(redactor)
    details: dict[str, Any] = {}
    if len(trace.raised) > 1:
        details["messages"] = [secrets.message(one.message, _TEXT) for one in trace.raised]
    notes = [secrets.message(note, _TEXT) for one in trace.raised for note in one.notes]
    if notes:
        details["notes"] = notes
    variables = {
        f"{one.file}:{one.line}": redactor.json(one.variables)
        for one in event.functions
        if one.variables
    }
    if variables:
        details["variables"] = variables
    text = clean(json.dumps(details, ensure_ascii=False)) if details else None
    if text is not None and len(text) > _MOST_DETAILS:
        text = json.dumps({"cut": len(text)})
    return Kept(
        traces.type_id(trace.raised[0].type or event.type),
        traces.message_id(trace.raised[0].message or event.message),
        traces.trace_id(trace, event.functions),
        text,
    )
