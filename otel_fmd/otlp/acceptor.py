"""What both transports do with a body, for any signal."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from google.protobuf.message import Message

from otel_fmd.otlp.body import decompress
from otel_fmd.otlp.flight import Flight, Hold
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import Limits, ReceiverCounters, Reservation
from otel_fmd.otlp.signal import Signal


class Accepted(NamedTuple):
    """What became of a body.

    How many records were taken, how many rejected and why, and what is done when they are durable
    (None when there are none).
    """

    records: int
    rejected: int
    reason: str
    stored: Future[str] | None


class Acceptor:
    """Decodes bodies, passes their records on, and builds the responses.

    Args:
        transport: `http` or `grpc`, for the counters.
        signals: what is served.
        limits: bounds on bodies.
        counters: counts what happens.
        flight: where the memory of requests is counted.
        refusals: knows which clients were notified that a signal is not stored.
    """

    def __init__(
        self,
        transport: str,
        signals: Sequence[Signal],
        limits: Limits,
        counters: ReceiverCounters,
        flight: Flight,
        refusals: Refusals,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._counters = counters
        self._flight = flight
        self._refusals = refusals
        self._kept = ", ".join(signal.records for signal in signals if signal.is_kept)

    def accept(
        self,
        signal: Signal,
        reservation: Reservation,
        bodies: list[bytes],
        coding: str,
        hold: Hold,
        *,
        as_json: bool = False,
    ) -> Accepted:
        """Decode a body and hand its records over; called in a worker thread.

        It takes the body out of its list, so that it is freed while its records are queued.

        Raises:
            OtlpError: the body is refused.
        """
        limits = self._limits
        data = decompress(bodies.pop(), coding, limits.decompressed_bytes, hold.add)
        if not coding:
            # What the records keep of it, or its text in JSON, for as long as it is decoded.
            hold.add(len(data))
        with self._flight.turn():
            decoded = signal.decode(data, limits.records, hold.add, as_json=as_json)
            del data
            hold.resize(decoded.memory)
            records = decoded.records
            stored = reservation.accept(records) if records else None
            return Accepted(len(records), decoded.rejected, decoded.reason, stored)

    def answer(
        self, signal: Signal, accepted: Accepted, warning: str, address: str, agent: str
    ) -> Message:
        """Count what was taken, and say what was not; a warning once to each client.

        Args:
            signal: the signal.
            accepted: what became of the body.
            warning: what is not kept of records that can be used.
            address: of the client, and
            agent: its `User-Agent`.
        """
        if warning and not self._refusals.is_to_be_informed(address, agent, signal.name):
            warning = ""
        self._counters.add(self._transport, f"{signal.records}_received", accepted.records)
        self._counters.add(self._transport, f"{signal.records}_rejected", accepted.rejected)
        return signal.respond(accepted.rejected, accepted.reason or warning)

    def not_kept(self, signal: Signal, address: str, agent: str) -> Message:
        """The response to a body of a signal that is not stored; it says so once to each client.

        Args:
            signal: the signal.
            address: of the client, and
            agent: its `User-Agent`.
        """
        self._counters.add(self._transport, f"{signal.name}_not_kept")
        if not self._refusals.is_to_be_informed(address, agent, signal.name):
            return signal.respond(0, "")
        return signal.respond(
            0,
            f"{signal.name} are not stored here: they were accepted and discarded; "
            f"only {self._kept} are stored",
        )
