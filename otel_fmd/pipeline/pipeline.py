"""Batches in, one transaction out.

`submit` takes a batch and returns a future that is done when it is durable, or raises at once;
`offer` takes an item that becomes one row, and no sender waits (the monitored app). One thread
writes everything queued (up to a limit) in one transaction; it also converts offered items, all in
a row, which takes a third of the time of converting each separately. A job folds deltas. Both
start when first needed, and again in a forked child.

The writer thread is not a `Job`: it waits for its queue, not for an interval.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol

from otel_fmd.errors import (
    OtelFmdError,
    QueueFullError,
    SchemaError,
    StoreUnavailableError,
)
from otel_fmd.forks import check, on_fork
from otel_fmd.ingest.batch import Batch, joined
from otel_fmd.ingest.dropped import DropReport
from otel_fmd.ingest.write import Written
from otel_fmd.log_limit import LogLimit
from otel_fmd.pipeline.batch_queue import BatchQueue, Ticket, apart
from otel_fmd.pipeline.counters import PipelineCounters
from otel_fmd.pipeline.folding import DeltaFolding
from otel_fmd.pipeline.settings import PipelineSettings
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.settings import try_to_write
from otel_fmd.store.store import Store
from otel_fmd.termination import leave_signals_to_others

_log = logging.getLogger(__name__)
_RETRY_FIRST_S = 0.2
_RETRY_MOST_S = 10.0
_RETRY_AT_STOP_S = 5.0
_ANEW_S = 1.0
"""After pauses this long, the database may be another one than the one that was opened."""


class Writer(Protocol):
    """Stores batches; used by one thread at a time."""

    def write(self, batch: Batch) -> Written:
        """Store a batch; when it returns, its rows are durable.

        Raises:
            StoreUnavailableError: the store cannot take them now; none was stored.
        """


class Pipeline:
    """The write side of one database in one process.

    Args:
        store: the database.
        open_writer: makes what writes batches, once the schema is there; again when the store was
            away for long.
        finish: makes a batch of what `offer` took; None: nothing is offered.
        settings: see `PipelineSettings`.
        every_minute: what the job that folds does besides.
    """

    def __init__(
        self,
        store: Store,
        open_writer: Callable[[], Writer],
        finish: Callable[[Sequence[Any]], Batch] | None = None,
        settings: PipelineSettings | None = None,
        every_minute: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._open_writer = open_writer
        self._finish = finish
        self._settings = settings or PipelineSettings()
        self._every_minute = every_minute
        self.counters = PipelineCounters()
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        """The state of a process that has not written yet; queued rows belong to the parent."""
        settings = self._settings
        self._queue = BatchQueue(
            settings.queue_rows, settings.batch_rows, settings.linger_s, self._finished
        )
        self._lock = threading.Lock()
        self._give_up_at = float("inf")
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._writer: Writer | None = None
        self._folding = DeltaFolding(
            self._store,
            settings.max_callers,
            settings.fold_every_s,
            self.counters.add,
            settings.quarter_days,
            self._every_minute,
        )
        self._last_error = ""
        self._stored_s = 0.0
        self.counters.dropped = self.counters.failed = 0
        self._reported_lost = 0
        self._drop_report = DropReport(self._store)
        self._error_limit, self._drop_limit = LogLimit(), LogLimit()

    @property
    def waiting(self) -> int:
        """Rows in the queue."""
        return self._queue.waiting

    @property
    def capacity(self) -> int:
        """Rows that may be in the queue."""
        return self._settings.queue_rows

    @property
    def stored_s(self) -> float:
        """When the last batch was stored, in unix seconds; 0 before the first."""
        return self._stored_s

    @property
    def last_error(self) -> str:
        """Why the last batch was not stored; '' after a batch that was."""
        return self._last_error

    def can_store(self) -> bool:
        """Whether the database takes rows; tried with a small one if the last batch failed.

        A receiver that is not ready gets no batch that would show it.
        """
        if self._last_error:
            try:
                try_to_write(self._store)
            except Exception as error:
                self._note(error)
                return False
        return True

    def submit(self, batch: Batch, reserved: int = 0) -> Future[str]:
        """Take a batch; the future is done (with '') when its rows are durable.

        Args:
            batch: the rows to store.
            reserved: rows that `reserve` reserved for it; released in any case.

        Raises:
            QueueFullError: too many wait; none of these was taken.
            ShuttingDownError: the pipeline stops.
        """
        check()
        rows = batch.rows
        with self._counting_refused(rows):
            done = self._queue.put(batch, reserved)
        with self._lock:
            self.counters.add(batch.counts)
            if self._thread is None and rows:
                self._start()
        return done

    def reserve(self, number: int) -> None:
        """Reserve queue space for this many rows, until `submit` or `release` frees it.

        Raises:
            QueueFullError: too many wait; these count as refused.
        """
        with self._counting_refused(number):
            self._queue.reserve(number)

    def release(self, number: int) -> None:
        """Release a reservation that is not needed."""
        self._queue.release(number)

    @contextmanager
    def _counting_refused(self, number: int) -> Iterator[None]:
        try:
            yield
        except QueueFullError:
            with self._lock:
                self.counters.refused += number
            raise

    def offer(self, item: Any) -> None:
        """Queue an item that becomes one row, usually without a lock.

        What does not fit is dropped and counted.
        """
        check()
        if not self._queue.offer(item):
            self._drop()
        elif self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._start()

    def _drop(self) -> None:
        self.counters.dropped += 1
        if self._drop_limit.allows():
            _log.warning(
                "monitoring data is dropped, %d rows so far; %d rows are queued. %s",
                self.counters.dropped,
                self.waiting,
                self._last_error,
            )

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything accepted is stored.

        False when that took too long, or when some of what was taken since the last call was
        dropped: flushed means stored.
        """
        check()
        in_time = self._queue.flush(timeout_s)
        lost = self.counters.dropped + self.counters.failed
        before, self._reported_lost = self._reported_lost, lost
        return in_time and lost == before

    def stop(self, timeout_s: float) -> bool:
        """Accept nothing new, store the queue, stop the threads; False if some was not stored.

        A database that is slow is waited for; one that fails is tried again for five seconds: a
        process that ends is waited for, too.
        """
        check()
        lost = self.counters.dropped + self.counters.failed
        self._give_up_at = time.monotonic() + min(timeout_s, _RETRY_AT_STOP_S)
        self._queue.stop()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s + 1)
        self._folding.stop(timeout_s + 1)
        return self.waiting == 0 and lost == self.counters.dropped + self.counters.failed

    def start_folding(self) -> None:
        """Fold in this process even when it writes nothing (a dashboard without receiver)."""
        with self._lock:
            if not self._queue.stopping:
                self._folding.start()

    def _start(self) -> None:
        self._thread = threading.Thread(
            target=self._write_loop, name="otel-fmd-writer", daemon=True
        )
        self._thread.start()
        self._folding.start()

    def _write_loop(self) -> None:
        leave_signals_to_others()
        while tickets := self._queue.take():
            self._store_all(tickets)
            # Not kept while the queue is empty.
            del tickets

    def _store_all(self, tickets: list[Ticket]) -> None:
        """Store them, retrying if no client will; or fail them."""
        pause_s = _RETRY_FIRST_S
        while True:
            try:
                written = self._write(joined([ticket.batch for ticket in tickets]))
            except (StoreUnavailableError, SchemaError) as error:
                # An operator can fix this; until then the rows wait.
                if isinstance(error, SchemaError) or pause_s > _ANEW_S:
                    self._writer = None
                self._note(error)
                if not self._settings.retry or time.monotonic() + pause_s > self._give_up_at:
                    return self._fail(tickets, error)
                pause_s = self._pause(pause_s)
            except Exception as error:
                return self._store_apart(tickets, error)
            else:
                self._succeed(tickets, written)
                # Visible in the database, now that it takes something again.
                return self._drop_report.update(self.counters.dropped)

    def _pause(self, pause_s: float) -> float:
        """Wait before the next attempt; returns the wait before the one after it."""
        if self._wake.wait(pause_s):
            self._wake.clear()
            return _RETRY_FIRST_S
        return min(pause_s * 2, _RETRY_MOST_S)

    def _store_apart(self, tickets: list[Ticket], error: Exception) -> None:
        """Store each part separately: rows that can never be stored must not affect others."""
        self._writer = None
        self._note(error)
        parts = apart(tickets, halves=self._settings.retry)
        if len(parts) == 1:
            return self._fail(tickets, error)
        for part in parts:
            self._store_all(part)
        return None

    def _write(self, batch: Batch) -> Written:
        """Store it in transactions of a bounded size, which bounds memory.

        If one fails, those before it stay: sending them all again changes nothing.
        """
        if self._writer is None:
            prepare(self._store)
            self._writer = self._open_writer()
        write = self._writer.write
        written = [write(part) for part in batch.parts(self._settings.batch_rows)]
        return Written(*map(sum, zip(*written, strict=True)))

    def _finished(self, offered: Sequence[Any]) -> Batch:
        if self._finish is None:
            raise TypeError("this pipeline accepts batches only")
        batch = self._finish(offered)
        with self._lock:
            self.counters.add(batch.counts)
        return batch

    def _succeed(self, tickets: list[Ticket], written: Written) -> None:
        with self._lock:
            self.counters.add(written._asdict())
        self._last_error, self._stored_s = "", time.time()
        self._queue.finish(tickets)
        for ticket in tickets:
            ticket.settle()

    def _fail(self, tickets: list[Ticket], error: Exception) -> None:
        lost = sum(ticket.batch.rows for ticket in tickets)
        with self._lock:
            if self._settings.retry:
                self.counters.dropped += lost
            else:
                self.counters.failed += lost
        self._queue.finish(tickets)
        for ticket in tickets:
            ticket.settle(error)

    def _note(self, error: Exception) -> None:
        self._last_error = str(error)
        if self._error_limit.allows():
            traceback = None if isinstance(error, OtelFmdError) else error
            _log.warning("a batch could not be stored: %s", error, exc_info=traceback)
