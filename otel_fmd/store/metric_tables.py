"""Tables of metrics: names and series, points that wait, and time-rolled packed rows.

What a packed row holds is in `analysis.point_rows`. Time comes first in every key of a bulky table.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, String, Table, UniqueConstraint

from otel_fmd.store.engines.base import DatabaseEngine

NAME_WIDTH, UNIT_WIDTH, DESCRIPTION_WIDTH = 250, 60, 500
GRAIN_HOUR, GRAIN_DAY = 0, 1
"""What is not over yet, or has changed since: hours in minutes, and days in quarters of an hour.

`MetricOpen` holds such rows, which are written again and again; `MetricMinute` and `MetricQuarter`
get each row once, in the order of its key, so that their pages are full. A row in the former is
newer than one in the latter. `MetricUnrolled` lists what `MetricOpen` holds.
"""
FOLD_LOCK = 2
"""The row of `FoldState` that whoever folds points holds."""


def metric_tables(table: Any, database: DatabaseEngine) -> dict[str, Table]:
    """The tables, by the name that the code uses."""
    types, dense = database.types, database.keyed_table_options

    def key(name: str, kind: Any = types.big) -> Column[Any]:
        return Column(name, kind, primary_key=True, autoincrement=False)

    def identity() -> Column[Any]:
        return Column("id", types.big, primary_key=True, autoincrement=True)

    def packed(name: str, period: str) -> Table:
        return table(  # type: ignore[no-any-return]
            name,
            key(period, Integer),
            key("metric_id"),
            key("series_id"),
            Column("payload", types.blob, nullable=False),
            **dense,
        )

    return {
        "metric": table(
            "Metric",
            identity(),
            Column("service_id", Integer, nullable=False),
            Column("name", String(NAME_WIDTH), nullable=False),
            Column("kind", SmallInteger, nullable=False),
            Column("unit", String(UNIT_WIDTH), nullable=False),
            Column("description", String(DESCRIPTION_WIDTH), nullable=False),
            UniqueConstraint("service_id", "name", "kind", "unit"),
        ),
        "metric_series": table(
            "MetricSeries",
            identity(),
            Column("metric_id", types.big, nullable=False),
            Column("hash", String(32), nullable=False),
            Column("attributes", types.long_text, nullable=False),
            Column("worker", types.long_text, nullable=False),
            Column("bounds", types.long_text, nullable=False),
            Column("created_us", BigInteger, nullable=False),
            UniqueConstraint("metric_id", "hash"),
        ),
        "metric_delta": table(
            "MetricDelta",
            identity(),
            Column("created_us", BigInteger, nullable=False),
            Column("count", Integer, nullable=False),
            Column("payload", types.blob, nullable=False),
            **database.counted_table_options,
        ),
        "metric_state": table(
            "MetricState",
            key("metric_id"),
            key("series_id"),
            Column("last_us", BigInteger, nullable=False),
            Column("payload", types.blob, nullable=False),
            **dense,
        ),
        "metric_open": table(
            "MetricOpen",
            key("grain", SmallInteger),
            key("period", Integer),
            key("metric_id"),
            key("series_id"),
            Column("payload", types.blob, nullable=False),
            **dense,
        ),
        "metric_minute": packed("MetricMinute", "hour"),
        "metric_quarter": packed("MetricQuarter", "day"),
        "metric_day": packed("MetricDay", "day"),
        "metric_exemplar": packed("MetricExemplar", "hour"),
        "metric_unrolled": table(
            "MetricUnrolled",
            key("grain", SmallInteger),
            key("period", Integer),
            key("metric_id"),
            **dense,
        ),
    }
