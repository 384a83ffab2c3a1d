"""Writes the points of a batch in its transaction: one packed row, which a folder takes apart."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple

from sqlalchemy import Connection

from otel_fmd.analysis.buckets import buckets_of
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.series import DROPPED, Resolved, SeriesRegistry
from otel_fmd.signals.metric import PointBlock, Points
from otel_fmd.store.point_delta import Measured, PointColumns, StoredExemplar, pack
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_MOST_POINTS = 32_768
"""Points of one row: a packet of MariaDB's holds 16 MiB."""


class PointsWritten(NamedTuple):
    """How many points were stored, and how many dropped because of a limit."""

    points: int = 0
    points_dropped: int = 0


def batch_of_points(points: Sequence[Any]) -> Batch:
    """The points of a body (`Points`) as a batch."""
    found: Points = points  # type: ignore[assignment]
    return Batch(points=found.blocks)


class PointWriter:
    """Writes points; used by one thread at a time.

    Args:
        store: the database.
        registry: knows the ids of series.
    """

    def __init__(self, store: Store, registry: SeriesRegistry) -> None:
        self._registry = registry
        insert = Statements(store).insert(
            store.tables.metric_delta, ("created_us", "count", "payload")
        )
        self._insert = insert.statement

    def prepare(self, blocks: Sequence[PointBlock]) -> list[Resolved]:
        """Where each block belongs; what is new is added, before the transaction."""
        return list(map(self._registry.resolve, blocks))

    def forget(self) -> None:
        """Look everything up again, after a write failed."""
        self._registry.forget()

    def write(
        self,
        connection: Connection,
        blocks: Sequence[PointBlock],
        resolved: Sequence[Resolved],
    ) -> PointsWritten:
        """Add the points, in a transaction; `resolved` is what `prepare` found."""
        points = dropped = 0
        waiting = _Columns()
        for block, one in zip(blocks, resolved, strict=True):
            before = len(waiting)
            dropped += waiting.add(block, one)
            points += len(waiting) - before
            if len(waiting) >= _MOST_POINTS:
                self._put(connection, waiting)
                waiting = _Columns()
        if len(waiting):
            self._put(connection, waiting)
        return PointsWritten(points, dropped)

    def _put(self, connection: Connection, waiting: _Columns) -> None:
        values = (now_us(), len(waiting), pack(waiting.columns()))
        connection.exec_driver_sql(self._insert, values)


class _Columns:
    """Points that are written together."""

    def __init__(self) -> None:
        self._series, self._metrics, self._kinds = array("q"), array("q"), array("b")
        self._times, self._starts, self._values = array("q"), array("q"), array("d")
        self._distributions: list[Measured] = []
        self._exemplars: list[StoredExemplar] = []

    def __len__(self) -> int:
        return len(self._series)

    def add(self, block: PointBlock, resolved: Resolved) -> int:
        """Add points; how many were dropped."""
        metric_id, kind, ids = resolved
        exemplars = [
            StoredExemplar(metric_id, ids[place], *one)
            for place, one in block.exemplars
            if ids[place]
        ]
        times, starts, values = block.times_ns, block.starts_ns, block.values
        found = block.distributions
        dropped = 0
        if DROPPED in ids:
            kept = list(map(bool, ids))
            dropped = len(ids) - sum(kept)
            ids = list(compress(ids, kept))
            times, starts = list(compress(times, kept)), list(compress(starts, kept))
            values, found = list(compress(values, kept)), list(compress(found, kept))
        self._series.extend(ids)
        self._metrics.extend(array("q", [metric_id]) * len(ids))
        self._kinds.extend(array("b", [kind]) * len(ids))
        self._times.extend(times)
        self._starts.extend(starts)
        self._values.extend(values)
        self._distributions += [
            Measured(one.number, one.least, one.most, buckets_of(one)) for one in found
        ]
        self._exemplars += exemplars
        return dropped

    def columns(self) -> PointColumns:
        """All of them."""
        return PointColumns(
            self._series,
            self._metrics,
            self._kinds,
            self._times,
            self._starts,
            self._values,
            self._distributions,
            self._exemplars,
        )
