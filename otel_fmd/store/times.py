"""Times as the database has them: naive UTC, and unix microseconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_US = timedelta(microseconds=1)


def unix_us(moment: datetime) -> int:
    """Unix microseconds of a naive UTC time."""
    return (moment - _EPOCH) // _US


def naive_utc(us: int) -> datetime:
    """The naive UTC time of unix microseconds."""
    return _EPOCH + timedelta(microseconds=us)


def now_us() -> int:
    """The current time, in unix microseconds."""
    return time.time_ns() // 1000
