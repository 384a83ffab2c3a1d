"""The pipeline takes batches and knows neither what is in them nor where they come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from otel_fmd.errors import StoreUnavailableError
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import Written
from otel_fmd.pipeline import pipeline as pipeline_module
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.pipeline.settings import PipelineSettings
from otel_fmd.store.store import Store
from tests.support.waiting import wait_for
from tests.unit.ingest.test_batch import batch, starts

NEVER_FOLD = PipelineSettings(batch_rows=4, fold_every_s=0, linger_s=0.01)


class Notes:
    """A writer that writes nothing down but what it was given."""

    def __init__(self, refused: int = -1) -> None:
        self.written: list[list[int]] = []
        self._refused = refused

    def write(self, one: Batch) -> Written:
        if self._refused in starts(one):
            raise ValueError("cannot be stored")
        self.written.append(starts(one))
        return Written(one.rows, 0, 0, 0, 0)


def test_a_batch_goes_to_what_writes(sqlite_store: Store) -> None:
    """In transactions of a bounded size; counts of batch and writer are added."""
    notes = Notes()
    pipeline = Pipeline(sqlite_store, lambda: notes, settings=NEVER_FOLD)
    one = Batch(batch(0, 10).requests, {"not_kept": 3, "clock_errors": 1})
    assert pipeline.submit(one).result(10) == ""
    assert notes.written == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert pipeline.submit(Batch(counts={"not_kept": 2})).result(10) == ""
    found = pipeline.counters
    assert (found.stored, found.not_kept, found.clock_errors) == (10, 5, 1)
    assert pipeline.stop(10)


def test_what_was_offered_is_finished_by_the_thread_that_writes(sqlite_store: Store) -> None:
    """By what the pipeline was given, many at once; what it dropped is counted."""
    notes = Notes()

    def finish(offered: Sequence[Any]) -> Batch:
        good = [batch(one, 1).requests[0] for one in offered if one >= 0]
        return Batch(good, {"dropped": len(offered) - len(good)})

    pipeline = Pipeline(sqlite_store, lambda: notes, finish, NEVER_FOLD)
    for one in (1, -1, 2):
        pipeline.offer(one)
    assert not pipeline.flush(10)  # one was dropped
    assert [one for part in notes.written for one in part] == [1, 2]
    assert (pipeline.counters.stored, pipeline.counters.dropped) == (2, 1)
    assert pipeline.stop(10)


def test_a_row_that_cannot_be_stored_takes_few_with_it(sqlite_store: Store) -> None:
    """Where nobody sends again, a batch is halved until the row is alone."""
    notes = Notes(refused=6)
    settings = PipelineSettings(retry=True, batch_rows=16, fold_every_s=0, linger_s=0.01)
    pipeline = Pipeline(sqlite_store, lambda: notes, settings=settings)
    done = pipeline.submit(batch(0, 9))
    assert not pipeline.flush(10)
    assert sorted(one for part in notes.written for one in part) == [0, 1, 2, 3, 4, 5, 7, 8]
    assert (pipeline.counters.stored, pipeline.counters.dropped) == (8, 1)
    assert pipeline.waiting == 0
    assert done is not None
    assert pipeline.stop(10)


def test_a_writer_that_cannot_be_opened_fails_the_batch(sqlite_store: Store) -> None:
    """And the next one is tried anew."""
    errors = [StoreUnavailableError("away")]

    def opened() -> Notes:
        if errors:
            raise errors.pop()
        return Notes()

    pipeline = Pipeline(sqlite_store, opened, settings=NEVER_FOLD)
    with pytest.raises(StoreUnavailableError):
        pipeline.submit(batch(0, 1)).result(10)
    assert pipeline.last_error == "away"
    assert pipeline.submit(batch(0, 1)).result(10) == ""
    assert pipeline.last_error == ""
    assert pipeline.stop(10)


def test_an_end_is_not_kept_from_by_a_database_that_is_away(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again a few times, with pauses, for a bounded time; lost is not stopped well."""
    monkeypatch.setattr(pipeline_module, "_RETRY_AT_STOP_S", 1.5)
    attempts: list[float] = []

    class Away:
        def write(self, _one: Batch) -> Written:
            attempts.append(time.monotonic())
            raise StoreUnavailableError("away")

    settings = PipelineSettings(retry=True, fold_every_s=0, linger_s=0.01)
    pipeline = Pipeline(sqlite_store, Away, settings=settings)
    pipeline.submit(batch(0, 3))
    wait_for(lambda: len(attempts) > 1, 10, "a second attempt")
    before = len(attempts)
    began = time.monotonic()
    assert not pipeline.stop(30)
    assert time.monotonic() - began < 15
    assert 1 <= len(attempts) - before <= 6
    assert pipeline.counters.dropped == 3
    assert pipeline.waiting == 0


def test_what_comes_back_during_a_stop_takes_all(sqlite_store: Store) -> None:
    """An outage that is over before the bound loses nothing."""
    notes = Notes()
    failing = threading.Event()
    failing.set()

    class Sometimes:
        def write(self, one: Batch) -> Written:
            if failing.is_set():
                raise StoreUnavailableError("away")
            return notes.write(one)

    settings = PipelineSettings(retry=True, fold_every_s=0, linger_s=0.01)
    pipeline = Pipeline(sqlite_store, Sometimes, settings=settings)
    pipeline.submit(batch(0, 3))
    wait_for(lambda: pipeline.last_error == "away", 10, "the first attempt")
    threading.Timer(0.5, failing.clear).start()
    assert pipeline.stop(30)
    assert notes.written == [[0, 1, 2]]
