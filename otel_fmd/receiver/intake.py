"""What a full queue or a store that is down means to a client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from otel_fmd.errors import QueueFullError, SchemaError, ShuttingDownError, StoreUnavailableError
from otel_fmd.ingest.batch import Batch
from otel_fmd.otlp.errors import RetryableError
from otel_fmd.otlp.signal import Signal
from otel_fmd.pipeline.pipeline import Pipeline

Translate = Callable[[Sequence[Any]], Batch]
"""Builds a batch from the records of a signal."""

RETRY_OVERLOAD_S = 1.0
RETRY_STORE_S = 5.0
_FIRST_PER_BYTE = 1 / 2_000
"""Fewer than most bodies hold, so that nothing is refused unseen before bodies were seen."""
_NEWEST = 0.1
"""The weight of the newest body in the mean."""


class PipelineIntake:
    """Where both transports bring records; see `otlp.service.Intake`.

    Bodies are judged by the rows that those of their signal and encoding held lately, for each
    byte.

    Args:
        pipeline: where batches go.
        translations: makes batches of the records of each signal that is kept, by its name.
    """

    def __init__(self, pipeline: Pipeline, translations: Mapping[str, Translate]) -> None:
        self._pipeline = pipeline
        self._translations = translations
        self._per_byte: dict[str, float] = {}

    def admit(self, signal: Signal, size: int, encoding: str) -> Reservation:
        """Reserve queue space for a body while it is decoded."""
        translate = self._translations[signal.name]
        encoding = f"{signal.name} {encoding}"
        expected = int(size * self._per_byte.get(encoding, _FIRST_PER_BYTE))
        try:
            self._pipeline.reserve(expected)
        except QueueFullError as error:
            raise _overload(error) from None

        def translated(records: Sequence[Any]) -> Batch:
            batch = translate(records)
            self._learn(batch.rows, size, encoding)
            return batch

        return Reservation(self._pipeline, expected, translated)

    def _learn(self, rows: int, size: int, encoding: str) -> None:
        """Learn from how many rows a body held."""
        mean = self._per_byte.get(encoding, _FIRST_PER_BYTE)
        self._per_byte[encoding] = mean + (rows / max(1, size) - mean) * _NEWEST


class Reservation:
    """A part of the queue for one body; see `otlp.service.Reservation`."""

    def __init__(self, pipeline: Pipeline, rows: int, translate: Translate) -> None:
        self._pipeline = pipeline
        self._reserved = rows
        self._translate = translate

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        reserved, self._reserved = self._reserved, 0
        if reserved:
            self._pipeline.release(reserved)

    def accept(self, records: Sequence[Any]) -> Future[str]:
        """Take the records of the body."""
        batch = self._translate(records)
        reserved, self._reserved = self._reserved, 0
        try:
            stored = self._pipeline.submit(batch, reserved)
        except QueueFullError as error:
            raise _overload(error) from None
        except ShuttingDownError as error:
            raise RetryableError(
                str(error), retry_after_s=RETRY_OVERLOAD_S, overload=False
            ) from None
        answer: Future[str] = Future()

        def pass_on(done: Future[str]) -> None:
            error = done.exception()
            if error is None:
                answer.set_result(done.result() or batch.warning)
            elif isinstance(error, StoreUnavailableError | SchemaError):
                # The details are for our log, not for anyone who can send spans.
                message = "the store is unavailable; none of these requests were stored"
                answer.set_exception(
                    RetryableError(message, retry_after_s=RETRY_STORE_S, overload=False)
                )
            else:
                answer.set_exception(error)

        stored.add_done_callback(pass_on)
        return answer


def _overload(error: QueueFullError) -> RetryableError:
    return RetryableError(str(error), retry_after_s=RETRY_OVERLOAD_S, overload=True)
