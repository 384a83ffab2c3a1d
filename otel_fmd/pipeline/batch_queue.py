"""The bounded queue between those who bring rows and the one thread that stores them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from otel_fmd.errors import QueueFullError, ShuttingDownError
from otel_fmd.ingest.batch import Batch


@dataclass(slots=True)
class Ticket:
    """A batch, and the future that is done (with '') when it is stored.

    `size` is how many of those that wait it stands for.
    """

    batch: Batch
    done: Future[str]
    size: int

    def settle(self, error: Exception | None = None) -> None:
        """Let its sender know that it is stored, or why it is not."""
        if self.done.set_running_or_notify_cancel():
            if error is None:
                self.done.set_result("")
            else:
                self.done.set_exception(error)


def apart(tickets: list[Ticket], *, halves: bool) -> list[list[Ticket]]:
    """Each ticket by itself; a single one as it is, or in halves.

    Args:
        tickets: what could not be stored together.
        halves: whether a single one is divided, because no client would send it again.
    """
    if len(tickets) > 1:
        return [[ticket] for ticket in tickets]
    (ticket,) = tickets
    rows = ticket.batch.rows
    if not halves or rows < 2:
        return [tickets]
    parts = [Ticket(one, Future(), one.rows) for one in ticket.batch.parts((rows + 1) // 2)]
    # Its size may exceed its rows: items that could not be converted were dropped.
    parts[-1].size += ticket.size - rows
    return [[part] for part in parts]


class BatchQueue:
    """Rows of one process that wait to be stored.

    Two ways in: `put` takes a batch whose sender waits for the result; `offer` takes an item that
    becomes one row and whose sender does not wait (the monitored app), so that items linger until
    they fill a batch.

    Args:
        limit: most rows in the queue.
        batch: most rows taken at once (a larger batch that was put as one stays whole).
        linger_s: how long offered items wait for more.
        finish: builds a batch from offered items; called by the thread that takes them.
    """

    def __init__(
        self,
        limit: int,
        batch: int,
        linger_s: float,
        finish: Callable[[Sequence[Any]], Batch],
    ) -> None:
        self._limit, self._batch, self._linger_s = limit, batch, linger_s
        self._finish = finish
        self._tickets: deque[Ticket] = deque()
        self._offered: deque[Any] = deque()
        self._waiting = 0
        self._reserved = 0
        self._is_idle = False
        self._flushes = 0
        self._changed = threading.Condition()
        self.stopping = False

    @property
    def waiting(self) -> int:
        """Rows that wait to be stored, those that are being stored included."""
        return self._waiting + len(self._offered)

    def reserve(self, number: int) -> None:
        """Reserve space for a batch that is not ready yet; `put` or `release` frees it.

        Raises:
            QueueFullError: too many wait.
        """
        with self._changed:
            self._check_capacity(number)
            self._reserved += number

    def release(self, number: int) -> None:
        """Give back what was reserved."""
        with self._changed:
            self._reserved -= number

    def put(self, batch: Batch, reserved: int = 0) -> Future[str]:
        """Queue a batch, for which `reserved` rows were reserved; never waits.

        Raises:
            QueueFullError: too many wait; none of these was taken.
            ShuttingDownError: the queue was stopped.
        """
        done: Future[str] = Future()
        rows = batch.rows
        with self._changed:
            self._reserved -= reserved
            if self.stopping:
                raise ShuttingDownError("shutting down; send again later")
            self._check_capacity(rows)
            if rows:
                self._tickets.append(Ticket(batch, done, rows))
                self._waiting += rows
                self._changed.notify_all()
            else:
                done.set_result("")
        return done

    def offer(self, item: Any) -> bool:
        """Take what becomes one row, if it fits; never waits, and takes no lock, usually."""
        number = len(self._offered)
        if self.stopping or number + self._waiting >= self._limit:
            return False
        self._offered.append(item)
        # A lingering thread wakes up by itself.
        if self._is_idle or number == self._batch:
            with self._changed:
                self._changed.notify_all()
        return True

    def take(self) -> list[Ticket]:
        """What is to be stored next, waiting for it; nothing once all is taken after `stop`."""
        with self._changed:
            self._is_idle = True
            self._changed.wait_for(lambda: self._tickets or self._offered or self.stopping)
            self._is_idle = False
            if self._offered and not self._tickets:
                self._changed.wait_for(self._is_full, self._linger_s)
            tickets = self._take_tickets()
            number = min(len(self._offered), self._batch)
            offered = [self._offered.popleft() for _ in range(number)]
            self._waiting += number
        if offered:
            tickets.append(Ticket(self._finish(offered), Future(), number))
        return tickets

    def finish(self, tickets: Sequence[Ticket]) -> None:
        """Count these as waiting no longer."""
        with self._changed:
            self._waiting -= sum(ticket.size for ticket in tickets)
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until nothing waits to be stored; False when that took too long."""
        with self._changed:
            self._flushes += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self.waiting == 0, timeout_s)
            finally:
                self._flushes -= 1

    def stop(self) -> None:
        """Take nothing new."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()

    def _check_capacity(self, number: int) -> None:
        # A batch larger than the whole queue must still get through when nothing else waits.
        taken = self._waiting + self._reserved
        if taken and taken + number > self._limit:
            raise QueueFullError(
                f"{taken} rows are queued, the limit is {self._limit}; send again later"
            )

    def _take_tickets(self) -> list[Ticket]:
        tickets: list[Ticket] = []
        size = 0
        while self._tickets:
            size += self._tickets[0].size
            if tickets and size > self._batch:
                break
            tickets.append(self._tickets.popleft())
        return tickets

    def _is_full(self) -> bool:
        return (
            self.stopping
            or self._flushes > 0
            or bool(self._tickets)
            or len(self._offered) >= self._batch
        )
