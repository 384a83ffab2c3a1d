"""Request ids that are computed from the span, not fetched from the database.

A positive 63-bit integer: 51 bits of microseconds since 2020-01-01, then 12 bits of a hash of trace
id and span id. The same span always gets the same id, so a batch that is sent again inserts nothing
twice, and rows arrive in the order of their keys.
"""

from __future__ import annotations

from zlib import crc32

EPOCH_US = 1_577_836_800_000_000
"""2020-01-01T00:00:00Z in unix microseconds."""

HASH_BITS = 12
_HASH_MASK = (1 << HASH_BITS) - 1
_MAX_US = (1 << 51) - 1
_CLAMP_BITS = 43
MAX_ID = (1 << 63) - 1


def request_id(start_us: int, trace_id: bytes, span_id: bytes) -> int:
    """The id of a span.

    A start that does not fit is clamped: such ids share the first (or last) hours of the range, and
    more bits of the hash keep them apart.

    Args:
        start_us: unix microseconds.
        trace_id: 16 bytes.
        span_id: 8 bytes.
    """
    us = start_us - EPOCH_US
    code = crc32(span_id, crc32(trace_id))
    if 0 < us < _MAX_US:
        return us << HASH_BITS | code & _HASH_MASK
    wide = (code << 32 | crc32(trace_id, code)) & ((1 << _CLAMP_BITS) - 1)
    if us <= 0:
        return 1 << _CLAMP_BITS | wide
    return MAX_ID - (1 << _CLAMP_BITS) - wide


def next_id(taken: int, trace_id: bytes, span_id: bytes) -> int:
    """The id to try when another span has `taken`: upward, the same way on every retry.

    Each span goes up in steps of its own, of at most 256 microseconds: one by one, sixty thousand
    spans of one microsecond would look at sixty thousand ids each.
    """
    step = crc32(trace_id, crc32(span_id)) >> HASH_BITS | 1
    return (taken + step - 1) % MAX_ID + 1


def start_us_of(identifier: int) -> int:
    """The start, in unix microseconds, that a computed id encodes."""
    return (identifier >> HASH_BITS) + EPOCH_US


def id_range(start_us: int, end_us: int) -> tuple[int, int]:
    """The lowest and highest id that requests from `start_us` to before `end_us` can have."""
    low, high = start_us - EPOCH_US, end_us - EPOCH_US
    lowest = 0 if low <= 0 else min(low, _MAX_US) << HASH_BITS
    highest = MAX_ID if high >= _MAX_US else (max(high, 0) << HASH_BITS) - 1
    if low <= 0:
        highest = max(highest, 2 << _CLAMP_BITS)
    if high >= _MAX_US:
        lowest = min(lowest, MAX_ID - (2 << _CLAMP_BITS))
    return lowest, highest
