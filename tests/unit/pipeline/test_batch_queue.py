"""Room in the queue: what waits and what was reserved count alike."""

from __future__ import annotations

import pytest

from otel_fmd.errors import QueueFullError, ShuttingDownError
from otel_fmd.ingest.batch import Batch
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.pipeline.batch_queue import BatchQueue
from otel_fmd.requests.translator import Translator
from tests.support.spans import Spans, body


@pytest.fixture
def queue() -> BatchQueue:
    """Room for ten."""
    return BatchQueue(10, 4, 0.0, lambda _offered: Batch())


def test_reserved_room_is_for_nobody_else(queue: BatchQueue) -> None:
    """Neither for a batch nor for another reservation."""
    queue.reserve(6)
    with pytest.raises(QueueFullError, match="6 rows are queued, the limit is 10"):
        queue.put(_batch(5))
    with pytest.raises(QueueFullError):
        queue.reserve(5)
    queue.put(_batch(8), reserved=6)
    assert queue.waiting == 8


def test_room_that_is_not_needed_is_given_back(queue: BatchQueue) -> None:
    """By `release`, and by a batch that turns out smaller, or that is not taken after all."""
    queue.reserve(4)
    queue.reserve(6)
    queue.release(6)
    with pytest.raises(QueueFullError):
        queue.reserve(7)
    queue.reserve(6)
    queue.put(_batch(1), reserved=6)
    with pytest.raises(QueueFullError):
        queue.put(_batch(10), reserved=4)
    queue.reserve(9)
    queue.stop()
    with pytest.raises(ShuttingDownError):
        queue.put(_batch(9), reserved=9)
    assert queue.waiting == 1


def test_a_batch_larger_than_the_queue_gets_through_alone(queue: BatchQueue) -> None:
    """Only when nothing waits, and nothing fits beside it."""
    queue.reserve(25)
    with pytest.raises(QueueFullError):
        queue.reserve(1)
    queue.put(_batch(30), reserved=25)
    with pytest.raises(QueueFullError):
        queue.reserve(25)
    (ticket,) = queue.take()
    queue.finish([ticket])
    queue.reserve(25)


def _batch(number: int) -> Batch:
    spans = decode_protobuf(body(Spans().many(number))).spans
    return Batch(Translator().translate(spans).requests)
