"""What both transports do with a decoded request, and the counters that they keep.

The transports know one thing of the rest of the program: an `Intake`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

from otel_fmd.otlp.signal import MOST_RECORDS, Signal


class Senders(Protocol):
    """Who may send."""

    @property
    def need_token(self) -> bool:
        """Whether they need a token at all."""

    def allow(self, authorization: str) -> bool:
        """Whether the sender of this `Authorization` header may; must not block."""


class Everyone:
    """Anyone may send."""

    need_token = False

    def allow(self, authorization: str) -> bool:
        """Always."""
        return True


def bearer(authorization: str) -> str:
    """The token in an `Authorization` header; '' without one."""
    scheme, _, sent = authorization.partition(" ")
    return sent.strip() if scheme.lower() == "bearer" else ""


class Reservation(Protocol):
    """A part of the queue, kept for one body while it is decoded.

    Given back when the `with` block ends.
    """

    def __enter__(self) -> Reservation:
        """Itself."""

    def __exit__(self, *_: object) -> None:
        """Give back what `accept` did not take."""

    def accept(self, records: Sequence[Any]) -> Future[str]:
        """Take the neutral records of the body.

        The future is done when they are durable; its result is a warning for the client, or ''. It
        may fail with what `accept` itself raises.

        Raises:
            RetryableError: they cannot be taken now.
        """


class Intake(Protocol):
    """Where records go."""

    def admit(self, signal: Signal, size: int, encoding: str) -> Reservation:
        """Called before a body of so many bytes is decoded, which is half the work of storing it.

        `encoding` distinguishes bodies that hold more or fewer records in the same number of bytes.

        Raises:
            RetryableError: it would not fit.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what requests may cost.

    `body_bytes` and `decompressed_bytes`: one body; `records`: messages of one body, down to its
    records; `flight_bytes`: all requests that are being taken, together; `connections`: over HTTP.
    """

    body_bytes: int = 64 * 1024 * 1024
    decompressed_bytes: int = 64 * 1024 * 1024
    records: int = MOST_RECORDS
    flight_bytes: int = 24 * 1024 * 1024
    connections: int = 512


@dataclass(slots=True)
class ReceiverCounters:
    """Counts since the start, by transport (`http`, `grpc`) and what happened."""

    _counts: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, transport: str, what: str, amount: int = 1) -> None:
        """Count `amount` of `what`."""
        with self._lock:
            key = (transport, what)
            self._counts[key] = self._counts.get(key, 0) + amount

    def snapshot(self) -> dict[tuple[str, str], int]:
        """A copy of the counts."""
        with self._lock:
            return dict(self._counts)
