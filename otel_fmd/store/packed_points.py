"""Packed rows of points: those that are open before those that are done with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from otel_fmd.analysis.packed_state import unpack_state
from otel_fmd.analysis.point_state import SeriesState
from otel_fmd.store.arrivals import SeriesKey
from otel_fmd.store.metric_tables import GRAIN_HOUR
from otel_fmd.store.tables import Tables

_CHUNK = 400


def packed_rows(
    connection: Connection,
    tables: Tables,
    grain: int,
    metric_id: int,
    start: int,
    end: int,
    series_ids: Sequence[int] | None = None,
) -> Iterator[tuple[int, int, bytes]]:
    """(period, series id, payload) of a metric, once for each period and series.

    Args:
        connection: a snapshot, or a transaction that holds the lock of folds.
        tables: the tables.
        grain: `GRAIN_HOUR` for the minutes of hours, `GRAIN_DAY` for the quarters of days.
        metric_id: the metric.
        start: the first period, in hours or days since 1970, and
        end: the one after the last.
        series_ids: only these; None for all.
    """
    done = tables.metric_minute if grain == GRAIN_HOUR else tables.metric_quarter
    opened = tables.metric_open.c
    period = done.c[0]
    seen: set[tuple[int, int]] = set()
    for chosen in _chunks(series_ids):
        newest: Select[Any] = select(opened.period, opened.series_id, opened.payload).where(
            opened.grain == grain,
            opened.period >= start,
            opened.period < end,
            opened.metric_id == metric_id,
        )
        for row in connection.execute(_only(newest, opened.series_id, chosen)):
            seen.add((row.period, row.series_id))
            yield row.period, row.series_id, row.payload
        older: Select[Any] = select(period, done.c.series_id, done.c.payload).where(
            period >= start, period < end, done.c.metric_id == metric_id
        )
        for when, series, payload in connection.execute(_only(older, done.c.series_id, chosen)):
            if (when, series) not in seen:
                yield when, series, payload


def load_states(
    connection: Connection, tables: Tables, wanted: Iterable[SeriesKey]
) -> dict[SeriesKey, SeriesState]:
    """The states of series that have one."""
    by_metric: defaultdict[int, list[int]] = defaultdict(list)
    for metric, series in sorted(wanted):
        by_metric[metric].append(series)
    state = tables.metric_state.c
    found: dict[SeriesKey, SeriesState] = {}
    for metric, numbers in by_metric.items():
        for start in range(0, len(numbers), _CHUNK):
            query = select(state.series_id, state.payload).where(
                state.metric_id == metric, state.series_id.in_(numbers[start : start + _CHUNK])
            )
            for row in connection.execute(query):
                found[metric, row.series_id] = unpack_state(row.payload)
    return found


def _chunks(series_ids: Sequence[int] | None) -> Iterator[Sequence[int] | None]:
    if series_ids is None:
        yield None
        return
    ordered = sorted(series_ids)
    for place in range(0, len(ordered), _CHUNK):
        yield ordered[place : place + _CHUNK]


def _only(
    query: Select[Any], column: ColumnElement[int], chosen: Sequence[int] | None
) -> Select[Any]:
    return query if chosen is None else query.where(column.in_(chosen))
