"""Points that wait, by their series: what the folder adds, and what readers add meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from otel_fmd.analysis.point_state import Added, Arrived, PointKind, SeriesState, absorb
from otel_fmd.store.point_delta import PointColumns, StoredExemplar

SeriesKey = tuple[int, int]
"""(metric id, series id)."""
LATE_MINUTES, AHEAD_MINUTES = 2 * 24 * 60, 60
"""How late a point may be, and how far ahead of the clock: after that the minutes are gone."""
_HISTOGRAMS = (PointKind.DELTA_HISTOGRAM, PointKind.CUMULATIVE_HISTOGRAM)


@dataclass(slots=True)
class Arrivals:
    """Points by series, with the kind of each series, and exemplars."""

    points: dict[SeriesKey, list[Arrived]] = field(default_factory=dict)
    kinds: dict[SeriesKey, int] = field(default_factory=dict)
    exemplars: list[StoredExemplar] = field(default_factory=list)


def minutes_around(now_us: int) -> range:
    """The minutes since 1970 that points are taken for."""
    minute = now_us // 60_000_000
    return range(minute - LATE_MINUTES, minute + AHEAD_MINUTES)


def arrivals(deltas: Iterable[PointColumns], metric_id: int | None = None) -> Arrivals:
    """The points of deltas; only those of one metric, if given."""
    found = Arrivals()
    # By series alone: a pair for each point would double the cost.
    points: defaultdict[int, list[Arrived]] = defaultdict(list)
    metrics: dict[int, int] = {}
    kinds: dict[int, int] = {}
    for columns in deltas:
        if metric_id is not None and metric_id not in columns.metric_ids:
            continue
        series = columns.series_ids
        metrics.update(zip(series, columns.metric_ids, strict=True))
        kinds.update(zip(series, columns.kinds, strict=True))
        numbers = zip(columns.times_ns, columns.starts_ns, columns.values, strict=True)
        found.exemplars += columns.exemplars
        if not columns.distributions:
            for number, point in zip(series, numbers, strict=True):
                points[number].append(point)
            continue
        measured = iter(columns.distributions)
        for number, kind, point in zip(series, columns.kinds, numbers, strict=True):
            points[number].append((*point, *next(measured)) if kind in _HISTOGRAMS else point)
    for number, ones in points.items():
        if metric_id is None or metrics[number] == metric_id:
            found.points[metrics[number], number] = ones
            found.kinds[metrics[number], number] = kinds[number]
    return found


def absorbed(
    found: Arrivals, states: Mapping[SeriesKey, SeriesState], minutes: range
) -> dict[SeriesKey, tuple[SeriesState, Added]]:
    """What points add to each series, and its state after them.

    Args:
        found: the points.
        states: of the series that have one; they are changed.
        minutes: that can be added to.
    """
    starts: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for (metric, _), state in states.items():
        for start_ns, stream in state.streams.items():
            known = starts[metric].get(start_ns, stream.time_ns)
            starts[metric][start_ns] = min(known, stream.time_ns)
    done = {}
    for key, points in found.points.items():
        state = states.get(key) or SeriesState()
        added = absorb(found.kinds[key], state, points, minutes, starts[key[0]])
        done[key] = (state, added)
    return done
