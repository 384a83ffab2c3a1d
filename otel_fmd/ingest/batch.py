"""A batch: everything that is stored in one go, of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from otel_fmd.requests.exceptions import ExceptionEvent
from otel_fmd.requests.request import Request
from otel_fmd.signals.log_record import LogRecord
from otel_fmd.signals.metric import PointBlock


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of every kind that are stored in one transaction.

    A kind more is a field more, and its name in `_KINDS`.

    Args:
        requests: the requests, with their own exceptions.
        exceptions: those of other spans and of log records.
        points: points of metrics, by metric; a metric of a body is a row.
        records: log records.
        counts: what was counted while the rows were made, by the names of `PipelineCounters`.
        warning: what their sender is to know.
    """

    requests: Sequence[Request] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    exceptions: Sequence[ExceptionEvent] = ()
    points: Sequence[PointBlock] = ()
    records: Sequence[LogRecord] = ()
    warning: str = ""

    @property
    def rows(self) -> int:
        """How many rows there are, of all kinds."""
        return sum(len(getattr(self, kind)) for kind in _KINDS)

    def parts(self, most: int) -> Iterator[Batch]:
        """Batches of at most so many rows, without counts; at least one, which may be empty.

        Exceptions of one body stay together, even if they are more.
        """
        if self.rows <= most:
            yield self
            return
        for kind in _KINDS:
            rows = getattr(self, kind)
            start = 0
            while start < len(rows):
                end = _end(rows, start + most)
                yield Batch(**{kind: rows[start:end]})
                start = end


def _end(rows: Sequence[Any], end: int) -> int:
    """The first place from `end` on between two bodies; `end` if rows tell no body."""
    body = getattr(rows[end - 1], "body", "") if end < len(rows) else ""
    while body and end < len(rows) and rows[end].body == body:
        end += 1
    return end


_KINDS = ("requests", "exceptions", "points", "records")


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of all rows, in their order, without counts."""
    if len(batches) == 1:
        return batches[0]
    found: dict[str, Any] = {
        kind: list(chain.from_iterable(getattr(batch, kind) for batch in batches))
        for kind in _KINDS
    }
    return Batch(**found)
