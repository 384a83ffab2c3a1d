"""OTLP/JSON log requests as neutral log records.

The document is walked down to its records, and one at a time is decoded into objects. A record that
cannot be used is rejected alone.
Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Set
from typing import Any

from otel_fmd.otlp.errors import TooLargeError
from otel_fmd.otlp.json_reader import JsonReader
from otel_fmd.otlp.log_values import RECORD_BYTES, DecodedLogs, ids_of, time_of
from otel_fmd.otlp.signal import MOST_RECORDS
from otel_fmd.otlp.spans_protobuf import free
from otel_fmd.otlp.values import MOST_PAIRS, json_pairs, json_value, whole_number, whole_text
from otel_fmd.signals.log_record import SAMPLED, LogRecord
from otel_fmd.signals.record import AttributeValue, Resource


class _JsonSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        found = json_pairs(_document(raw).get("attributes"))
        return found if wanted is None else {k: v for k, v in found.items() if k in wanted}

    def body(self, raw: Any) -> AttributeValue:
        return json_value(_document(raw).get("body"))


_SOURCE = _JsonSource()


def _document(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw.decode("utf-8", "replace"))
    return found


def decode_json(
    body: bytes, most: int = MOST_RECORDS, growing: Callable[[int], None] = free
) -> DecodedLogs:
    """Records of an OTLP/JSON `ExportLogsServiceRequest`.

    `growing` is called with a number of bytes before they are allocated; it may raise.

    Raises:
        BadDataError: the body is no such document.
        TooLargeError: it holds more than `most` objects down to its records.
    """
    decoder = _Decoder(body, most, growing)
    decoder.request()
    return DecodedLogs(decoder.found, decoder.rejected, decoder.reason)


class _Decoder:
    """Reads one document; counts what it holds as it goes."""

    def __init__(self, body: bytes, most: int, growing: Callable[[int], None]) -> None:
        self._growing = growing
        self._reader = JsonReader(body)
        self._left = self._most = most
        self.found: list[LogRecord] = []
        self.rejected = 0
        self.reason = ""

    def request(self) -> None:
        """The whole document."""
        self._lists("resourceLogs", self._resource_logs)
        self._reader.end()

    def _lists(self, wanted: str, read: Callable[[], None]) -> None:
        """Go through an object, and read each object of its list of that name."""
        reader = self._reader
        for key in reader.object_keys():
            if key == wanted and self._is("[n", f"{wanted} must be a list"):
                for _ in reader.items():
                    self._count()
                    if self._is("{", f"an item of {wanted} must be an object"):
                        read()
            elif key != wanted:
                reader.skip()

    def _resource_logs(self) -> None:
        reader = self._reader
        # Filled in when it is read, which may be after its records.
        attributes: dict[str, AttributeValue] = {}
        resource = Resource(attributes)
        for key in reader.object_keys():
            if key == "resource":
                attributes.update(self._resource())
            elif key == "scopeLogs" and self._is("[n", "scopeLogs must be a list"):
                for _ in reader.items():
                    self._count()
                    if self._is("{", "an item of scopeLogs must be an object"):
                        self._scope_logs(resource)
            elif key != "scopeLogs":
                reader.skip()

    def _resource(self) -> dict[str, AttributeValue]:
        """Attributes of a resource; one that cannot be read takes neither others nor records."""
        found: dict[str, AttributeValue] = {}
        try:
            value = self._reader.value()[0]
            pairs = value.get("attributes") if isinstance(value, dict) else value
            if pairs is None:
                return {}
            if not isinstance(pairs, list):
                raise ValueError(f"attributes must be a list; got {str(pairs)[:50]!a}")
        except ValueError as error:
            self.reason = self.reason or f"a resource: {error}"
            return {}
        for pair in pairs[:MOST_PAIRS]:
            try:
                found.update(json_pairs([pair]))
            except ValueError as error:
                self.reason = self.reason or f"a resource: {error}"
        return found

    def _scope_logs(self, resource: Resource) -> None:
        reader, scope, first = self._reader, "", len(self.found)
        for key in reader.object_keys():
            if key == "scope":
                scope = self._scope()
            elif key == "logRecords" and self._is("[n", "logRecords must be a list"):
                for _ in reader.items():
                    self._count()
                    try:
                        self.found.append(_record(*reader.value(), resource))
                    except ValueError as error:
                        self.rejected += 1
                        self.reason = self.reason or f"a log record: {error}"
            elif key != "logRecords":
                reader.skip()
        if scope:
            self.found[first:] = [one._replace(scope=scope) for one in self.found[first:]]

    def _scope(self) -> str:
        try:
            value = self._reader.value()[0]
            return whole_text((value.get("name") if isinstance(value, dict) else "") or "")
        except ValueError as error:
            self.reason = self.reason or f"a scope: {error}"
            return ""

    def _is(self, firsts: str, expected: str) -> bool:
        """Whether what comes next begins so; else it is skipped, which costs no other record."""
        if self._reader.next_is(firsts):
            return True
        self._reader.skip()
        self.reason = self.reason or expected
        return False

    def _count(self) -> None:
        self._growing(RECORD_BYTES)
        self._left -= 1
        if self._left < 0:
            raise TooLargeError(f"the body holds more than {self._most} log records")


def _record(record: Any, raw: bytes, resource: Resource) -> LogRecord:
    """The record of an object.

    Raises:
        ValueError: it cannot be used; the message says why.
    """
    if not isinstance(record, dict):
        raise ValueError("it must be an object")
    times = [
        whole_number(record.get(key) or 0, 0, 2**64 - 1)
        for key in ("timeUnixNano", "observedTimeUnixNano")
    ]
    severity = record.get("severityNumber") or 0
    if isinstance(severity, str):
        raise ValueError(f"severityNumber: enums are integers; got {severity[:50]!a}")
    severity = whole_number(severity, -(2**31), 2**31 - 1)
    trace_id, span_id = ids_of(_hex(record.get("traceId")), _hex(record.get("spanId")))
    json_pairs(record.get("attributes"))
    json_value(record.get("body"))
    flags = whole_number(record.get("flags") or 0, 0, 2**32 - 1)
    return LogRecord(
        time_of(*times),
        severity if 0 <= severity <= 24 else 0,
        whole_text(record.get("severityText") or ""),
        whole_text(record.get("eventName") or ""),
        trace_id,
        span_id,
        bool(trace_id) and bool(flags & SAMPLED),
        resource,
        "",
        raw,
        _SOURCE,
    )


def _hex(text: Any) -> bytes:
    try:
        return binascii.unhexlify(text or "")
    except (TypeError, ValueError):
        return b""
