"""Exceptions that were counted lately: one that is told of again is not counted again.

An exception is told of by the span that it was raised in, by each span around that one that it
passed through, and by a log record. Spans and log records of a trace come in any order, in any
number of bodies; and the request that they belong to last.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from otel_fmd.requests.exceptions import ExceptionEvent
from otel_fmd.requests.request import Request

_MOST = 20_000
_WAITS_S = 600.0
"""How long an exception waits for the request that it belongs to."""
Spot = tuple[int, bytes]
"""An exception (the hash of what it is told by), and a span that told of it."""


@dataclass(slots=True, eq=False)
class Counted:
    """Where an exception was counted; `endpoint_id` is 0 outside of requests."""

    span_id: bytes
    variant_id: int
    version_id: int
    endpoint_id: int
    time_us: int
    is_record: bool


def spot(event: ExceptionEvent) -> Spot:
    """Of an event."""
    return hash(event.key), event.span_id


def around(event: ExceptionEvent) -> Spot:
    """Of the span around an event's own."""
    return hash(event.key), event.parent_span_id


class RecentExceptions:
    """Remembers where exceptions were counted: at which span, around which, in which trace."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: dict[Spot, list[Counted]] = {}
        self._below: dict[Spot, list[Counted]] = {}
        self._of_trace: dict[tuple[bytes, str], list[Counted]] = {}
        self._since: dict[tuple[bytes, str], float] = {}

    @property
    def waits(self) -> bool:
        """Whether any was counted outside of requests, in the last ten minutes."""
        before = self._clock() - _WAITS_S
        while self._of_trace:
            trace = next(iter(self._of_trace))
            if self._since[trace] > before:
                return True
            del self._of_trace[trace], self._since[trace]
        return False

    def add(self, counted: Iterable[tuple[ExceptionEvent, Counted]]) -> None:
        """Remember these, as their transaction is durable."""
        for event, one in counted:
            self._at.setdefault(spot(event), []).append(one)
            if event.parent_span_id and not event.is_captured:
                self._below.setdefault(around(event), []).append(one)
            if not one.endpoint_id and event.trace_id:
                trace = (event.trace_id, event.service)
                self._of_trace.setdefault(trace, []).append(one)
                self._since.setdefault(trace, self._clock())
        for known in (self._at, self._below):
            _shorten(known)
        while len(self._of_trace) > _MOST:
            trace = next(iter(self._of_trace))
            del self._of_trace[trace], self._since[trace]

    def told(self, event: ExceptionEvent, taken: set[int]) -> Counted | None:
        """Where the exception of a request was counted before, outside of any.

        Args:
            event: of the request's own span.
            taken: the ids of the objects that were returned already; is added to.
        """
        mine = spot(event)
        found = (*self._below.get(mine, ()), *self._at.get(mine, ()))
        return next(_untaken(found, taken), None)

    def loose(self, trace_id: bytes, service: str, taken: set[int]) -> list[Counted]:
        """What was counted outside of requests in the trace of a request; see `told`."""
        return list(_untaken(self._of_trace.get((trace_id, service), ()), taken))

    def others(
        self,
        events: Sequence[ExceptionEvent],
        raising: Sequence[tuple[Request, Sequence[ExceptionEvent]]],
    ) -> list[ExceptionEvent]:
        """Those of these events that tell of exceptions that nothing else tells of.

        Args:
            events: of spans that are no requests, and of log records.
            raising: the requests of the batch with their own events.
        """
        here = {spot(event) for _, own in raising for event in own}
        here.update(spot(event) for event in events if not event.is_record)
        logged: Counter[Spot] = Counter()
        return [event for event in events if not self._is_known(event, here, logged)]

    def _is_known(self, event: ExceptionEvent, here: set[Spot], logged: Counter[Spot]) -> bool:
        """Whether a span, or for a span's event a log record, has told of it.

        Several records of one span are several exceptions, unless the span tells of them, too.
        """
        if not event.span_id:
            return False
        mine = spot(event)
        counted = self._at.get(mine, ())
        if event.is_record:
            return mine in here or any(not one.is_record for one in counted)
        outer = around(event)
        # What was captured went no further.
        goes_on = event.parent_span_id and not event.is_captured
        if goes_on and (outer in here or outer in self._at):
            return True
        logged[mine] += 1
        return logged[mine] <= sum(one.is_record for one in counted)


def _untaken(found: Iterable[Counted], taken: set[int]) -> Iterator[Counted]:
    for one in found:
        if not one.endpoint_id and id(one) not in taken:
            taken.add(id(one))
            yield one


def _shorten(known: dict[Any, list[Counted]]) -> None:
    """Forget the older half of too many."""
    if len(known) > _MOST:
        oldest: list[Hashable] = list(known)[: len(known) // 2]
        for key in oldest:
            del known[key]
