"""What a full queue or a store that is down means to a client."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from otel_fmd.errors import QueueFullError, SchemaError, ShuttingDownError, StoreUnavailableError
from otel_fmd.otlp.errors import RetryableError
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.signals.record import Span

RETRY_OVERLOAD_S = 1.0
RETRY_STORE_S = 5.0
_FIRST_PER_BYTE = 1 / 2_000
"""Fewer than most bodies hold, so that nothing is refused unseen before bodies were seen."""
_NEWEST = 0.1
"""The weight of the newest body in the mean."""


class PipelineIntake:
    """Where both transports bring spans; see `otlp.service.Intake`.

    Bodies are judged by the requests that those of their encoding held lately, for each byte.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._per_byte: dict[str, float] = {}

    def admit(self, size: int, encoding: str) -> Place:
        """Keep room for a body while it is decoded."""
        expected = int(size * self._per_byte.get(encoding, _FIRST_PER_BYTE))
        try:
            self._pipeline.reserve(expected)
        except QueueFullError as error:
            raise _overload(error) from None
        return Place(self, self._pipeline, expected, size, encoding)

    def learn(self, requests: int, size: int, encoding: str) -> None:
        """Note how many requests a body held."""
        mean = self._per_byte.get(encoding, _FIRST_PER_BYTE)
        self._per_byte[encoding] = mean + (requests / max(1, size) - mean) * _NEWEST


class Place:
    """Room in the queue for one body; see `otlp.service.Place`."""

    def __init__(
        self, intake: PipelineIntake, pipeline: Pipeline, reserved: int, size: int, encoding: str
    ) -> None:
        self._intake, self._pipeline = intake, pipeline
        self._reserved, self._size, self._encoding = reserved, size, encoding

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        reserved, self._reserved = self._reserved, 0
        if reserved:
            self._pipeline.release(reserved)

    def accept(self, spans: Sequence[Span]) -> Future[str]:
        """Take the spans of the body."""
        translation = self._pipeline.translate(spans)
        self._intake.learn(len(translation.requests), self._size, self._encoding)
        reserved, self._reserved = self._reserved, 0
        try:
            stored = self._pipeline.submit(translation, reserved)
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
                answer.set_result(done.result())
            elif isinstance(error, StoreUnavailableError | SchemaError):
                # The details are for our log, not for whoever can send spans.
                message = "the store cannot take requests now; nothing of these was stored"
                answer.set_exception(
                    RetryableError(message, retry_after_s=RETRY_STORE_S, overload=False)
                )
            else:
                answer.set_exception(error)

        stored.add_done_callback(pass_on)
        return answer


def _overload(error: QueueFullError) -> RetryableError:
    return RetryableError(str(error), retry_after_s=RETRY_OVERLOAD_S, overload=True)
