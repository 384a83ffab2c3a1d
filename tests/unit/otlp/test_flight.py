"""What requests hold in memory, and what is kept of those that are refused."""

from __future__ import annotations

import gc
import weakref

import pytest

from otel_fmd.otlp.errors import BadDataError, RetryableError, TooLargeError, release_frames
from otel_fmd.otlp.flight import Flight, Hold


class Large:
    """Stands for a body, or for what was made of it."""


def refuse(seen: list[weakref.ref[Large]]) -> None:
    """An error with a cause, each on its way through a frame that holds something large."""
    outer = Large()
    seen.append(weakref.ref(outer))

    def read() -> None:
        inner = Large()
        seen.append(weakref.ref(inner))
        raise TooLargeError("too many")

    try:
        read()
    except TooLargeError as error:
        raise BadDataError("not taken") from error


def test_a_refused_body_is_forgotten_before_its_answer() -> None:
    """By whoever decodes the next one, and while its client reads."""
    flight = Flight(1000)
    seen: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        with pytest.raises(BadDataError) as caught, flight.turn():
            refuse(seen)
        assert [one() for one in seen] == [None, None]
        seen.clear()
        hold = Hold(flight)
        hold.receive(100)
        with pytest.raises(BadDataError), hold:
            refuse(seen)
        assert [one() for one in seen] == [None, None]
    finally:
        gc.enable()
    assert flight.used == 0
    assert str(caught.value) == "not taken"


def test_an_error_of_ours_keeps_its_traceback() -> None:
    """Whoever reads the log needs it."""
    with pytest.raises(ZeroDivisionError) as caught, Hold(Flight(1000)):
        print(1 / 0)
    assert caught.traceback[-1].name == "test_an_error_of_ours_keeps_its_traceback"


def test_letting_go_of_an_error_that_was_never_raised() -> None:
    """Nothing to forget."""
    error = TooLargeError("too many")
    release_frames(error)
    assert str(error) == "too many"


def test_what_does_not_fit() -> None:
    """Others hold too much: again later. Alone it is too much: never."""
    flight = Flight(1000)
    with Hold(flight) as first, Hold(flight) as second:
        first.receive(100)
        second.receive(800)
        with pytest.raises(RetryableError, match="hold 900 bytes of 1000"):
            second.add(200)
        assert flight.is_full
        with pytest.raises(TooLargeError, match="OTEL_FMD_MAX_BYTES_IN_FLIGHT"):
            first.add(5000)
    assert flight.used == 0
