"""A batch: everything that is stored in one go, of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from otel_fmd.requests.request import Request
from otel_fmd.signals.log_record import LogRecord
from otel_fmd.signals.metric import PointBlock


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of every kind that are stored in one transaction.

    A kind more is a field more, and its name in `_KINDS`.

    Args:
        requests: the requests.
        points: points of metrics, by metric; a metric of a body is a row.
        records: log records.
        counts: what was counted while the rows were made, by the names of `PipelineCounters`.
        warning: what their sender is to know.
    """

    requests: Sequence[Request] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    points: Sequence[PointBlock] = ()
    records: Sequence[LogRecord] = ()
    warning: str = ""

    @property
    def rows(self) -> int:
        """How many rows there are, of all kinds."""
        return sum(len(getattr(self, kind)) for kind in _KINDS)

    def parts(self, most: int) -> Iterator[Batch]:
        """Batches of at most so many rows, without counts; at least one, which may be empty."""
        if self.rows <= most:
            yield self
            return
        for kind in _KINDS:
            rows = getattr(self, kind)
            for start in range(0, len(rows), most):
                yield Batch(**{kind: rows[start : start + most]})


_KINDS = ("requests", "points", "records")


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of all rows, in their order, without counts."""
    if len(batches) == 1:
        return batches[0]
    found: dict[str, Any] = {
        kind: list(chain.from_iterable(getattr(batch, kind) for batch in batches))
        for kind in _KINDS
    }
    return Batch(**found)
