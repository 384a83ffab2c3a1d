"""OTLP log requests in protobuf as neutral log records.

Only the head of each record is decoded; body and attributes stay encoded. A record that cannot be
used is rejected alone; a body whose records cannot be found raises `BadDataError`.
Source: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

from collections.abc import Callable, Set
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.log_values import RECORD_BYTES, DecodedLogs, ids_of, time_of
from otel_fmd.otlp.messages import LogHead, Value
from otel_fmd.otlp.signal import MOST_RECORDS
from otel_fmd.otlp.spans_protobuf import free
from otel_fmd.otlp.values import MOST_PAIRS, pairs_of, text_of, value_of
from otel_fmd.otlp.wire import PAIRS, RESOURCE, Place, fields, trimmed
from otel_fmd.signals.log_record import SAMPLED, LogRecord
from otel_fmd.signals.record import AttributeValue, Resource

_RESOURCE_LOGS, _SCOPE_LOGS, _SCOPE, _RECORDS = 0x0A, 0x12, 0x0A, 0x12
_SCOPE_NAME, _ATTRIBUTES = 0x0A, 0x32
_LARGE = 64 * 1024
_LARGE_LIMITS = {_ATTRIBUTES: MOST_PAIRS}
_MOST_FIELDS = 65_536


class _ProtoSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        if wanted is not None and not any(key.encode() in raw for key in wanted):
            return found
        for part in LogHead.FromString(raw).attributes:
            with suppress(DecodeError):
                found.update(pairs_of([part]))
        if wanted is None:
            return found
        return {key: value for key, value in found.items() if key in wanted}

    def body(self, raw: Any) -> AttributeValue:
        body = LogHead.FromString(raw).body
        try:
            return value_of(Value.FromString(body)) if body else None
        except DecodeError:
            return None


_SOURCE = _ProtoSource()


def decode_protobuf(
    body: bytes, most: int = MOST_RECORDS, growing: Callable[[int], None] = free
) -> DecodedLogs:
    """Records of a protobuf `ExportLogsServiceRequest`.

    `growing` is called with a number of bytes before they are allocated; it may raise.

    Raises:
        BadDataError: the body is no such message.
        TooLargeError: it holds more than `most` messages down to its records.
    """
    decoder = _Decoder(body, most, growing)
    for tag, begin, end in decoder.fields(0, len(body)):
        if tag == _RESOURCE_LOGS:
            decoder.resource_logs(begin, end)
    return DecodedLogs(decoder.found, decoder.rejected, decoder.reason)


class _Decoder:
    """Reads one body; counts what it holds as it goes."""

    def __init__(self, body: bytes, most: int, growing: Callable[[int], None]) -> None:
        self._body = body
        self._growing = growing
        self._left = self._most = most
        self.found: list[LogRecord] = []
        self.rejected = 0
        self.reason = ""

    def fields(self, start: int, end: int) -> list[Place]:
        """The fields of a message, taken from those that the body may hold."""
        try:
            found = fields(self._body, start, end, self._left)
        except TooLargeError:
            raise TooLargeError(f"the body holds more than {self._most} log records") from None
        self._left -= len(found)
        self._growing(len(found) * RECORD_BYTES)
        return found

    def resource_logs(self, start: int, end: int) -> None:
        """The records of one `ResourceLogs`."""
        parts = self.fields(start, end)
        attributes: dict[str, AttributeValue] = {}
        for tag, begin, stop in parts:
            if tag == RESOURCE:
                attributes.update(self._resource(begin, stop))
        resource = Resource(attributes)
        for tag, begin, stop in parts:
            if tag == _SCOPE_LOGS:
                self._records(self.fields(begin, stop), resource)

    def _resource(self, start: int, end: int) -> dict[str, AttributeValue]:
        """Attributes of a resource; one that cannot be read takes neither others nor records."""
        body = self._body
        found: dict[str, AttributeValue] = {}
        for tag, begin, stop in fields(body, start, end, _MOST_FIELDS)[:MOST_PAIRS]:
            if tag == PAIRS:
                try:
                    found.update(pairs_of([body[begin:stop]]))
                except DecodeError as error:
                    self.reason = self.reason or f"an attribute of a resource: {error}"
        return found

    def _records(self, places: list[Place], resource: Resource) -> None:
        body, scope = self._body, ""
        for tag, begin, end in places:
            if tag == _SCOPE:
                names = fields(body, begin, end, _MOST_FIELDS)
                found = [body[first:last] for kind, first, last in names if kind == _SCOPE_NAME]
                scope = text_of(found[-1]) if found else ""
        for tag, begin, end in places:
            if tag != _RECORDS:
                continue
            try:
                if end - begin > _LARGE:
                    raw = trimmed(body, begin, end, _MOST_FIELDS, _LARGE_LIMITS)
                else:
                    raw = body[begin:end]
                self.found.append(_record(raw, resource, scope))
            except (DecodeError, BadDataError, TooLargeError, ValueError) as error:
                self.rejected += 1
                self.reason = self.reason or f"a log record: {error}"


def _record(raw: bytes, resource: Resource, scope: str) -> LogRecord:
    """The record in these bytes.

    Raises:
        DecodeError: it is none.
        ValueError: it cannot be used.
    """
    head = LogHead.FromString(raw)
    trace_id, span_id = ids_of(head.trace_id, head.span_id)
    return LogRecord(
        time_of(head.time_unix_nano, head.observed_time_unix_nano),
        head.severity_number if 0 <= head.severity_number <= 24 else 0,
        text_of(head.severity_text),
        text_of(head.event_name),
        trace_id,
        span_id,
        bool(trace_id) and bool(head.flags & SAMPLED),
        resource,
        scope,
        raw,
        _SOURCE,
    )
