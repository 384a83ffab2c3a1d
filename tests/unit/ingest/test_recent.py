"""What is remembered of exceptions that were counted, and for how long."""

from __future__ import annotations

from otel_fmd.ingest.exceptions import recent
from otel_fmd.ingest.exceptions.recent import Counted, RecentExceptions
from otel_fmd.requests.exceptions import ExceptionEvent


def event(number: int) -> ExceptionEvent:
    """One outside of a request, in a trace of its own."""
    trace, span = number.to_bytes(16, "big"), number.to_bytes(8, "big")
    return ExceptionEvent("shop", "1", 1, "E", "m", "", "python", trace, span, None, False)


def counted(number: int) -> tuple[ExceptionEvent, Counted]:
    """It, where it was counted."""
    return event(number), Counted(number.to_bytes(8, "big"), 1, 1, 0, 1, False)


def test_an_exception_waits_ten_minutes_for_its_request() -> None:
    """Then requests cost nothing more."""
    now = [0.0]
    known = RecentExceptions(lambda: now[0])
    assert not known.waits
    known.add([counted(1)])
    now[0] = 300
    known.add([counted(2)])
    assert known.waits
    now[0] = 700
    assert known.waits
    assert known.loose(event(1).trace_id, "shop", set()) == []
    assert len(known.loose(event(2).trace_id, "shop", set())) == 1
    now[0] = 1_000
    assert not known.waits


def test_what_is_remembered_is_bounded() -> None:
    """The oldest go first."""
    known = RecentExceptions()
    known.add([counted(number) for number in range(1, recent._MOST + 100)])
    assert known.loose(event(1).trace_id, "shop", set()) == []
    newest = event(recent._MOST + 99)
    assert len(known.loose(newest.trace_id, "shop", set())) == 1
    assert known.told(newest, set()) is not None
