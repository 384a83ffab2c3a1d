"""Log records: the selected ones, a page at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from otel_fmd.queries.logs import LogEntry, LogFilter, logs
from otel_fmd.queries.rows import RequestRecord, request_of_span
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.signals.log_record import SEVERITIES, severity_name
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import CURSOR, LIMIT, Parameter, one_of, one_schema
from otel_fmd.views.view import Column, Table, View

_TRACE = re.compile(r"[0-9a-f]{32}")
_MOST_TEXT = 200
NO_LOGS = (
    "No log records here. Records of sampled traces, and those of OTEL_FMD_KEEP_LOG_SEVERITY and "
    "above, are kept: send them to this receiver's /v1/logs, or set OTEL_FMD_LOGS=true where the "
    "app stores its requests itself."
)


class Logs(NamedTuple):
    """A page of log records, newest first.

    `cursor` is that of the next page, None at the end; `request` is the one whose trace the list is
    filtered by, if it is stored.
    """

    found: list[LogEntry]
    cursor: int | None
    request: RequestRecord | None


def trace_in(text: str) -> str:
    """A trace id in hex.

    Raises:
        ValueError: it is none.
    """
    if not _TRACE.fullmatch(text.lower()):
        raise ValueError(f"{text[:50]!r}: expected 32 hexadecimal digits")
    return text.lower()


def _text(text: str) -> str:
    if len(text) > _MOST_TEXT:
        raise ValueError(f"{len(text)} characters: expected at most {_MOST_TEXT}")
    return text


SEVERITY = Parameter(
    "severity",
    "The least severity.",
    one_of(*SEVERITIES),
    "",
    schema=one_schema(*SEVERITIES),
)
TEXT = Parameter(
    "text",
    "Only records whose text, attributes or logger contain this, whatever the case.",
    _text,
    "",
    schema={"type": "string", "maxLength": _MOST_TEXT},
)
TRACE = Parameter(
    "trace",
    "Only records of this trace, in hex.",
    trace_in,
    "",
    schema={"type": "string", "pattern": "^[0-9a-fA-F]{32}$"},
)
LOG_FILTERS = (SEVERITY, TEXT, TRACE, LIMIT)


def load(snapshot: Snapshot, look: Look) -> Logs:
    """A page of the records that match the address."""
    services = None
    if look.service is not None:
        services = [number for number, name in snapshot.services.items() if name == look.service]
    trace = bytes.fromhex(look.value(TRACE))
    keep = LogFilter(SEVERITIES.get(look.value(SEVERITY), 0), look.value(TEXT), trace, services)
    page = logs(
        snapshot, *look.times_us(), keep, cursor=look.value(CURSOR), limit=look.value(LIMIT)
    )
    request = None
    if trace and page.found:
        last = page.found[0]
        request = request_of_span(snapshot, trace, bytes.fromhex(last.span_id), last.time_us)
    return Logs(page.found, page.cursor, request)


def table_of(found: Iterable[LogEntry], look: Look) -> Table:
    """One row per record."""
    names = ("time", "severity", "service", "logger", "event", "text", "attributes", "trace")
    rows = [
        (
            look.time_of(one.time_us),
            severity_name(one.severity),
            one.service,
            one.logger,
            one.event,
            one.body,
            json.dumps(one.attributes, ensure_ascii=False),
            one.trace_id,
        )
        for one in found
    ]
    return Table(tuple(map(Column, names)), rows)


LOGS = View(
    name="logs",
    title="Log records",
    description="What the apps logged, newest first, one page at a time.",
    load=load,
    table=lambda data, look: table_of(data.found, look),
    empty=NO_LOGS,
    parameters=(*LOG_FILTERS, CURSOR),
)
