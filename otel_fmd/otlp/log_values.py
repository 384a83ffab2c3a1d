"""What both encodings of logs share."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.signals.log_record import LogRecord

RECORD_BYTES = 600
"""What a record takes in memory, in addition to its bytes on the wire."""
LAST_NS = 2**63 - 1
_TRACE_BYTES, _SPAN_BYTES = 16, 8


class DecodedLogs(NamedTuple):
    """The usable records of a request, how many were rejected, and the first thing that was wrong.

    `reason` may also name a fault that cost no record: an unreadable attribute of a resource.
    """

    found: list[LogRecord]
    rejected: int
    reason: str

    @property
    def records(self) -> list[LogRecord]:
        """The records."""
        return self.found

    @property
    def memory(self) -> int:
        """About how many bytes they take while they wait."""
        return sum(len(one.raw) + RECORD_BYTES for one in self.found)


def time_of(time_ns: int, observed_ns: int) -> int:
    """When a record happened, or else was first seen.

    Raises:
        ValueError: neither is known.
    """
    found = time_ns or observed_ns
    if not 0 < found <= LAST_NS:
        raise ValueError("its time, or the time it was observed, must be set, before 2262")
    return found


def ids_of(trace_id: bytes, span_id: bytes) -> tuple[bytes, bytes]:
    """Trace and span id; b'' for those that are missing or invalid, as the data model says."""
    if len(trace_id) != _TRACE_BYTES or not any(trace_id):
        return b"", b""
    return trace_id, span_id if len(span_id) == _SPAN_BYTES and any(span_id) else b""
