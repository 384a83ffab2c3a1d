"""A line in so many seconds."""

from __future__ import annotations

import pytest

from otel_fmd import log_limit
from otel_fmd.log_limit import LogLimit


def test_one_line_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first at once, the next when the time is over, each limit by itself."""
    clock = [5.0]
    monkeypatch.setattr(log_limit.time, "monotonic", lambda: clock[0])
    minute, other = LogLimit(), LogLimit(10.0)
    found = []
    for now in (5.0, 5.0, 15.0, 64.9, 65.0, 70.0, 125.0):
        clock[0] = now
        found.append((minute.allows(), other.allows()))
    assert [one for one, _ in found] == [True, False, False, False, True, False, True]
    assert [two for _, two in found] == [True, False, True, True, False, False, True]
