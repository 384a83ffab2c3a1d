"""What the transports need to know of a signal to serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.message import Message

MOST_RECORDS = 65_536
"""Messages on the way to the records of a body, records included."""


class Decoded(Protocol):
    """What was read from a body."""

    @property
    def records(self) -> Sequence[Any]:
        """The neutral records that can be used."""

    @property
    def rejected(self) -> int:
        """How many records cannot."""

    @property
    def reason(self) -> str:
        """The first thing that was wrong, if only a part of a record; '' when nothing was."""

    @property
    def memory(self) -> int:
        """About how many bytes the records take while they wait."""


Decode = Callable[[bytes, int, Callable[[int], None]], Decoded]
"""Reads a body: its bytes, how many messages it may hold down to its records, and what is called
with the number of bytes that are about to be taken in memory (it may raise).

Raises:
    BadDataError: the body cannot be decoded.
    TooLargeError: it holds too many messages.
"""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of OTLP.

    Args:
        name: as the specification calls it, such as `traces`.
        records: what it consists of, as its `partial_success` calls them, such as `spans`.
        path: where it is posted over HTTP.
        service: its gRPC service, whose method is `Export`.
        response: the message that answers; it has a `partial_success`.
        decode_protobuf: reads a protobuf body, and
        decode_json: a JSON one. Without them the signal is accepted and forgotten.

    Source: https://opentelemetry.io/docs/specs/otlp/
    """

    name: str
    records: str
    path: str
    service: str
    response: type[Message]
    decode_protobuf: Decode | None = None
    decode_json: Decode | None = None

    @property
    def is_kept(self) -> bool:
        """Whether its records are decoded and handed on."""
        return self.decode_protobuf is not None and self.decode_json is not None

    @property
    def method(self) -> str:
        """Its gRPC method as people write it, such as `TraceService/Export`."""
        return f"{self.service.rpartition('.')[2]}/Export"

    def decode(
        self, body: bytes, most: int, growing: Callable[[int], None], *, as_json: bool
    ) -> Decoded:
        """Read a body; see `Decode`.

        Raises:
            TypeError: the signal is not stored.
        """
        decode = self.decode_json if as_json else self.decode_protobuf
        if decode is None:
            raise TypeError(f"{self.name} are not decoded")
        return decode(body, most, growing)

    def respond(self, rejected: int, message: str) -> Message:
        """The answer to an accepted body; without `partial_success` when there is nothing to say.

        Args:
            rejected: records that cannot be used.
            message: why, or a warning.
        """
        response: Any = self.response()
        if rejected or message:
            setattr(response.partial_success, f"rejected_{self.records}", rejected)
            response.partial_success.error_message = message
        return response  # type: ignore[no-any-return]
