"""Exceptions that were counted lately: one that is told of again is not counted again.

An exception is told of by the span that it was raised in, by each span around that one that it
passed through, and by a log record. Spans and log records of a trace come in any order, in any
number of bodies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from otel_fmd.requests.exceptions import ExceptionEvent
from otel_fmd.requests.request import Request

_MOST = 20_000
Spot = tuple[int, bytes]
"""An exception (the hash of its trace, type and message), and a span that told of it."""


class Counted(NamedTuple):
    """Where an exception was counted; `endpoint_id` is 0 outside of requests."""

    span_id: bytes
    parent_span_id: bytes
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
    """Remembers where exceptions were counted: at which span, and around which."""

    def __init__(self) -> None:
        self._at: dict[Spot, list[Counted]] = {}
        self._below: dict[Spot, list[Counted]] = {}

    def add(self, counted: Iterable[tuple[ExceptionEvent, Counted]]) -> None:
        """Remember these, as their transaction is durable."""
        for event, one in counted:
            self._at.setdefault(spot(event), []).append(one)
            if event.parent_span_id:
                self._below.setdefault(around(event), []).append(one)
        for known in (self._at, self._below):
            if len(known) > _MOST:
                for key in list(known)[: len(known) // 2]:
                    del known[key]

    def told(self, event: ExceptionEvent, taken: Counter[Spot]) -> Counted | None:
        """Where the exception of a request was counted before, outside of any.

        Args:
            event: of the request's own span.
            taken: how often each was returned already; is added to.
        """
        mine = spot(event)
        found = self._outside(mine)
        if taken[mine] >= len(found):
            return None
        taken[mine] += 1
        return found[taken[mine] - 1]

    def settle(self, taken: Counter[Spot]) -> None:
        """Forget what `told` returned: it belongs to requests now."""
        for mine, number in taken.items():
            for one in self._outside(mine)[:number]:
                for known in (self._below, self._at):
                    if one in known.get(mine, ()):
                        known[mine].remove(one)
                        break

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

    def _outside(self, mine: Spot) -> list[Counted]:
        found = (*self._below.get(mine, ()), *self._at.get(mine, ()))
        return [one for one in found if not one.endpoint_id]

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
        if event.parent_span_id and (outer in here or outer in self._at):
            return True
        logged[mine] += 1
        return logged[mine] <= sum(one.is_record for one in counted)
