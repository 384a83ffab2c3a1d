"""How much memory requests may take together, over both transports."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from otel_fmd.otlp.errors import OtlpError, RetryableError, TooLargeError, release_frames

_RETRY_AFTER_S = 1.0
_FULL_S = 5.0
_MOST_OF_SENT = 32
"""Times what was sent, that one request may take: an honest one takes some twenty, compressed."""


class Flight:
    """Counts the bytes that requests hold, from their first byte until they are stored.

    Args:
        limit: bytes for all together. One that is alone may take more, if much was sent.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = Lock()
        self._turn = Lock()
        self._refused_at = float("-inf")

    @property
    def limit(self) -> int:
        """Bytes for all together."""
        return self._limit

    @property
    def used(self) -> int:
        """Bytes held now."""
        return self._used

    @property
    def is_full(self) -> bool:
        """Whether a request was refused in the last seconds."""
        return time.monotonic() - self._refused_at < _FULL_S

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Held while a body is decoded.

        More at once would be no faster, under the interpreter's lock, but take memory for each.
        What is refused takes none from then on.
        """
        with self._turn:
            try:
                yield
            except OtlpError as error:
                release_frames(error)
                raise

    def take(self, more: int, held: int, sent: int) -> None:
        """Take bytes for one who holds `held` of them, made of `sent`.

        Raises:
            TooLargeError: it would be too much even with no other request.
            RetryableError: others hold too much.
        """
        if held + more > max(self._limit, sent * _MOST_OF_SENT):
            raise TooLargeError(
                f"a request of {sent} bytes would take {held + more} bytes of memory, of "
                f"{self._limit} (OTEL_FMD_MAX_BYTES_IN_FLIGHT): send less at once"
            )
        with self._lock:
            if self._used + more > self._limit and self._used > held:
                self._refused_at = time.monotonic()
                raise RetryableError(
                    f"pending requests hold {self._used} bytes of {self._limit}",
                    retry_after_s=_RETRY_AFTER_S,
                    overload=True,
                )
            self._used += more

    def give_back(self, number: int) -> None:
        """Give bytes back."""
        with self._lock:
            self._used -= number


class Hold:
    """What one request holds; given back when its `with` block ends.

    Args:
        flight: where it counts.
    """

    __slots__ = ("_flight", "_sent", "size")

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._sent = 0
        self.size = 0

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OtlpError):
            release_frames(error)
        self.resize(0)

    def receive(self, number: int) -> None:
        """Reserve bytes that were sent.

        Raises:
            RetryableError: others hold too much.
        """
        self._sent += number
        self.add(number)

    def add(self, number: int) -> None:
        """Reserve more bytes.

        Raises:
            TooLargeError: too many for what was sent.
            RetryableError: others hold too much.
        """
        self._flight.take(number, self.size, self._sent)
        self.size += number

    def resize(self, size: int) -> None:
        """Reserve a number of bytes, more or fewer than before.

        Raises:
            TooLargeError: too many for what was sent.
            RetryableError: others hold too much.
        """
        if size > self.size:
            self.add(size - self.size)
        else:
            less, self.size = self.size - size, size
            self._flight.give_back(less)
