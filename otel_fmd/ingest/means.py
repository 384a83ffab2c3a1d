"""What is usual for each endpoint when a process begins to store."""

from __future__ import annotations

from sqlalchemy import func, select

from otel_fmd.analysis.outliers import RunningMean
from otel_fmd.store.pending import pending_columns
from otel_fmd.store.store import Store


def load_means(store: Store) -> dict[int, RunningMean]:
    """The mean of every endpoint: rollups and pending deltas, in one snapshot."""
    days = store.tables.day_count.c
    means: dict[int, RunningMean] = {}
    with store.read() as connection:
        query = select(days.endpoint_id, func.sum(days.count), func.sum(days.sum_ns))
        for endpoint_id, count, sum_ns in connection.execute(query.group_by(days.endpoint_id)):
            means[endpoint_id] = RunningMean(int(count), int(sum_ns))
        for columns in pending_columns(connection, store.tables):
            for endpoint_id, duration in zip(
                columns.endpoint_ids, columns.durations_ns, strict=True
            ):
                means.setdefault(endpoint_id, RunningMean()).add(duration)
    return means
