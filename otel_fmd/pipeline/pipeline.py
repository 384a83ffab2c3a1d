"""Spans in, one transaction out.

`submit` takes spans and returns a future that is done when they are durable, or raises at once;
`offer` takes one request where nobody waits for the answer (the monitored app). One thread writes
all that waits (up to a limit) in one transaction; it also translates what was offered, all in a
row, which takes a third of the time that each does by itself. A second thread folds deltas. Both
start when first needed, and again in a forked child.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from otel_fmd.errors import (
    OtelFmdError,
    QueueFullError,
    SchemaError,
    StoreUnavailableError,
)
from otel_fmd.forks import check, on_fork
from otel_fmd.ingest.dropped import note_dropped
from otel_fmd.ingest.write import BatchWriter, Written
from otel_fmd.pipeline.batch_queue import BatchQueue, Offered, Ticket
from otel_fmd.pipeline.counters import PipelineCounters
from otel_fmd.pipeline.folding import Folding
from otel_fmd.pipeline.settings import PipelineSettings
from otel_fmd.requests.request import Request, Translation, Translator
from otel_fmd.rollups.prepare import prepare
from otel_fmd.signals import semconv
from otel_fmd.signals.record import Span
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_RETRY_FIRST_S = 0.2
_RETRY_MOST_S = 10.0
_ANEW_S = 1.0
"""After pauses of so long, another database may be there than the one that was opened."""
_LOG_EVERY_S = 60.0


class Pipeline:
    """The write side of one database in one process.

    Args:
        store: the database.
        settings: see `PipelineSettings`.
    """

    def __init__(self, store: Store, settings: PipelineSettings | None = None) -> None:
        self._store = store
        self._settings = settings or PipelineSettings()
        self._translator = Translator(self._settings.internal_roots, self._settings.rename)
        self.counters = PipelineCounters()
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        """The state of a process that has not written yet; what waits belongs to the parent."""
        settings = self._settings
        self._queue = BatchQueue(
            settings.queue_requests, settings.batch_requests, settings.linger_s, self._translated
        )
        self._lock = threading.Lock()
        self._give_up_at = float("inf")
        self._wake = threading.Event()
        self._writer: threading.Thread | None = None
        self._batches: BatchWriter | None = None
        self._folding = Folding(
            self._store, self._settings.max_who, self._settings.fold_every_s, self._count_folded
        )
        self._last_error = ""
        self._told_dropped = self._told_lost = self.counters.dropped = self.counters.failed = 0
        self._process = f"{socket.gethostname()[:40]}:{os.getpid()}:{time.time_ns()}"
        self._logged_at = self._dropped_at = float("-inf")

    @property
    def waiting(self) -> int:
        """Requests that wait to be stored."""
        return self._queue.waiting

    @property
    def last_error(self) -> str:
        """Why the last batch was not stored; '' after a batch that was."""
        return self._last_error

    def translate(self, spans: Iterable[Span]) -> Translation:
        """The requests among spans, for `submit`; any thread may, it waits for none."""
        return self._translator.translate(spans)

    def submit(self, translation: Translation, reserved: int = 0) -> Future[str]:
        """Take what spans became; the future is done (with '') when its requests are durable.

        Args:
            translation: see `translate`.
            reserved: room that `reserve` kept for it; given back in any case.

        Raises:
            QueueFullError: too many wait; none of these was taken.
            ShuttingDownError: the pipeline stops.
        """
        check()
        requests = translation.requests
        with self._counting_refused(len(requests)):
            done = self._queue.put(requests, reserved)
        with self._lock:
            self.counters.not_kept += translation.not_kept
            self.counters.clock_errors += translation.clock_errors
            if self._writer is None and requests:
                self._start()
        return done

    def reserve(self, number: int) -> None:
        """Keep room for so many requests, until `submit` or `release` gives it back.

        Raises:
            QueueFullError: too many wait; these count as refused.
        """
        with self._counting_refused(number):
            self._queue.reserve(number)

    def release(self, number: int) -> None:
        """Give back what was reserved and is not needed."""
        self._queue.release(number)

    @contextmanager
    def _counting_refused(self, number: int) -> Iterator[None]:
        try:
            yield
        except QueueFullError:
            with self._lock:
                self.counters.refused += number
            raise

    def offer(self, request: Offered) -> None:
        """Take one request; what does not fit is dropped and counted. Takes no lock, usually."""
        check()
        if not self._queue.offer(request):
            self._drop()
        elif self._writer is None:
            with self._lock:
                if self._writer is None:
                    self._start()

    def _drop(self) -> None:
        self.counters.dropped += 1
        now = time.monotonic()
        if now - self._dropped_at > _LOG_EVERY_S:
            self._dropped_at = now
            _log.warning(
                "requests are dropped, %d so far: %d wait to be stored. %s",
                self.counters.dropped,
                self.waiting,
                self._last_error,
            )

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was taken is stored.

        False when that took too long, or when some of what was taken since the last call was
        dropped: flushed means stored.
        """
        check()
        in_time = self._queue.flush(timeout_s)
        lost = self.counters.dropped + self.counters.failed
        before, self._told_lost = self._told_lost, lost
        return in_time and lost == before

    def stop(self, timeout_s: float) -> bool:
        """Take nothing new, store what waits, stop the threads; False when some was not stored."""
        check()
        self._give_up_at = time.monotonic() + timeout_s
        self._queue.stop()
        self._wake.set()
        writer = self._writer
        if writer is not None and writer is not threading.current_thread():
            writer.join(timeout_s + 1)
        self._folding.stop(timeout_s + 1)
        return self.waiting == 0

    def start_folding(self) -> None:
        """Fold in this process even when it writes nothing (a dashboard without receiver)."""
        with self._lock:
            if not self._queue.stopping:
                self._folding.start()

    def _count_folded(self, number: int) -> None:
        self.counters.folded += number

    def _start(self) -> None:
        self._writer = threading.Thread(
            target=self._write_loop, name="otel-fmd-writer", daemon=True
        )
        self._writer.start()
        self._folding.start()

    def _make_writer(self) -> BatchWriter:
        prepare(self._store)
        settings = self._settings
        return BatchWriter(
            self._store,
            settings.outlier_rule,
            settings.default_level,
            settings.max_endpoints,
            settings.max_paths,
        )

    def _write_loop(self) -> None:
        while tickets := self._queue.take():
            self._store_all(tickets)
            # Not kept while there is nothing to take.
            del tickets

    def _store_all(self, tickets: list[Ticket]) -> None:
        """Store them, trying again where that is ours to do; or fail them."""
        pause_s = _RETRY_FIRST_S
        while True:
            try:
                if self._batches is None:
                    self._batches = self._make_writer()
                written = self._write(self._batches, [r for t in tickets for r in t.requests])
            except (StoreUnavailableError, SchemaError) as error:
                # Somebody can put this right, and until then it waits.
                if isinstance(error, SchemaError) or pause_s > _ANEW_S:
                    self._batches = None
                self._note(error)
                if not self._settings.retry or time.monotonic() + pause_s > self._give_up_at:
                    return self._fail(tickets, error)
                self._wake.wait(pause_s)
                pause_s = min(pause_s * 2, _RETRY_MOST_S)
            except Exception as error:
                # What can never be stored must not take others with it.
                self._batches = None
                self._note(error)
                parts = self._parts(tickets)
                if len(parts) == 1:
                    return self._fail(tickets, error)
                for part in parts:
                    self._store_all(part)
                return None
            else:
                self._succeed(tickets, written)
                return self._tell_dropped()

    def _write(self, writer: BatchWriter, requests: list[Request]) -> Written:
        """Store them in transactions of a bounded size, which bounds memory.

        When one fails, those before it stay: whoever sends all of them again changes nothing.
        """
        size = self._settings.batch_requests
        starts = range(0, max(1, len(requests)), size)
        written = [writer.write(requests[start : start + size]) for start in starts]
        return Written(*map(sum, zip(*written, strict=True)))

    def _parts(self, tickets: list[Ticket]) -> list[list[Ticket]]:
        """Each batch by itself; one of which nobody is told (the app's) in halves."""
        if len(tickets) > 1:
            return [[ticket] for ticket in tickets]
        (ticket,) = tickets
        half = len(ticket.requests) // 2
        if not self._settings.retry or not half:
            return [tickets]
        first, rest = ticket.requests[:half], ticket.requests[half:]
        return [[Ticket(first, Future(), half)], [Ticket(rest, Future(), ticket.size - half)]]

    def _tell_dropped(self) -> None:
        """Make what was dropped visible in the database, now that it takes something again."""
        number = self.counters.dropped
        if number == self._told_dropped:
            return
        try:
            note_dropped(self._store, self._process, number)
            self._told_dropped = number
        except OtelFmdError as error:
            _log.debug("what was dropped could not be noted: %s", error)

    def _translated(self, offered: Sequence[Offered]) -> list[Request]:
        requests: list[Request] = []
        for one in offered:
            try:
                made = one if isinstance(one, Request) else one.request(self._translator)
            except Exception as error:
                self.counters.dropped += 1
                self._note(error)
                continue
            if not made.duration_ns and made.status_code != semconv.SWITCHING_PROTOCOLS:
                self.counters.clock_errors += 1
            requests.append(made)
        return requests

    def _succeed(self, tickets: list[Ticket], written: Written) -> None:
        with self._lock:
            self.counters.stored += written.stored
            self.counters.duplicates += written.duplicates
            self.counters.outliers += written.outliers
            self.counters.seen_only += written.seen_only
            self.counters.other_endpoints += written.other_endpoints
        self._last_error = ""
        self._queue.finish(tickets)
        for ticket in tickets:
            if ticket.done.set_running_or_notify_cancel():
                ticket.done.set_result("")

    def _fail(self, tickets: list[Ticket], error: Exception) -> None:
        lost = sum(len(ticket.requests) for ticket in tickets)
        with self._lock:
            if self._settings.retry:
                self.counters.dropped += lost
            else:
                self.counters.failed += lost
        self._queue.finish(tickets)
        for ticket in tickets:
            if ticket.done.set_running_or_notify_cancel():
                ticket.done.set_exception(error)

    def _note(self, error: Exception) -> None:
        self._last_error = str(error)
        now = time.monotonic()
        if now - self._logged_at > _LOG_EVERY_S:
            self._logged_at = now
            traceback = None if isinstance(error, OtelFmdError) else error
            _log.warning("requests could not be stored: %s", error, exc_info=traceback)
