"""Metrics and their series: what there is, and the slots of a time range."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import func, select

from otel_fmd.analysis.point_rows import MINUTES_PER_HOUR, QUARTERS_PER_DAY, Slot, unpack
from otel_fmd.config.settings import MINUTE_DAYS
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.arrivals import absorbed, arrivals, minutes_around
from otel_fmd.store.metric_tables import GRAIN_DAY, GRAIN_HOUR
from otel_fmd.store.packed_points import load_states, packed_rows
from otel_fmd.store.times import now_us

MINUTE_US = 60_000_000
QUARTER, DAY = 15, 1_440
"""Minutes of a slot."""
_HOURS_PER_DAY, _QUARTERS_PER_HOUR = 24, 4
_CHUNK = 100


class KnownMetric(NamedTuple):
    """A metric of a service; `kind` is one of `signals.metric.MetricKind`."""

    id: int
    service: str
    name: str
    kind: int
    unit: str
    description: str
    series: int


class KnownSeries(NamedTuple):
    """A series: its attributes, what tells its process apart, a histogram's bounds."""

    id: int
    attributes: Mapping[str, str]
    worker: Mapping[str, str]
    bounds: tuple[float, ...]

    @property
    def labels(self) -> dict[str, str]:
        """All that it can be chosen and grouped by."""
        return {**self.worker, **self.attributes}


class Minutes(NamedTuple):
    """A half-open range of minutes since 1970, and steps of so many minutes from its start."""

    start: int
    end: int
    step: int

    @property
    def steps(self) -> int:
        """How many steps there are; the last may be shorter."""
        return -(-(self.end - self.start) // self.step)

    @classmethod
    def between(cls, start_us: int, end_us: int, step_us: int, at_us: int | None = None) -> Minutes:
        """The range that covers these microseconds, its steps aligned in UTC.

        Steps are whole minutes; where minutes are no longer kept, whole quarters of an hour.
        """
        now = now_us() if at_us is None else at_us
        step = max(1, -(-step_us // MINUTE_US))
        start, end = start_us // MINUTE_US, -(-end_us // MINUTE_US)
        if start < now // MINUTE_US - MINUTE_DAYS * DAY or step > QUARTER:
            step = -(-step // QUARTER) * QUARTER
        return cls(start // step * step, max(end, start + 1), step)


def known_metrics(snapshot: Snapshot, service: str | None) -> list[KnownMetric]:
    """The metrics of a service, or of all, by service and name."""
    metric, series = snapshot.tables.metric.c, snapshot.tables.metric_series.c
    counted = select(series.metric_id, func.count()).group_by(series.metric_id)
    numbers = {row[0]: row[1] for row in snapshot.connection.execute(counted)}
    rows = snapshot.connection.execute(
        select(
            metric.id, metric.service_id, metric.name, metric.kind, metric.unit, metric.description
        )
    )
    found = [
        KnownMetric(
            row.id,
            snapshot.services.get(row.service_id, ""),
            row.name,
            row.kind,
            row.unit,
            row.description,
            numbers.get(row.id, 0),
        )
        for row in rows
    ]
    wanted = [one for one in found if service is None or one.service == service]
    return sorted(wanted, key=lambda one: (one.service, one.name, one.kind, one.unit))


def known_series(
    snapshot: Snapshot, metric_id: int, labels: Mapping[str, str] | None = None
) -> list[KnownSeries]:
    """The series of a metric, those with these labels only."""
    table = snapshot.tables.metric_series.c
    query = select(table.id, table.attributes, table.worker, table.bounds)
    rows = snapshot.connection.execute(query.where(table.metric_id == metric_id))
    found = [
        KnownSeries(
            row.id,
            json.loads(row.attributes),
            json.loads(row.worker),
            tuple(json.loads(row.bounds or "[]")),
        )
        for row in rows
    ]
    if not labels:
        return found
    return [one for one in found if labels.items() <= one.labels.items()]


def slots_by_step(
    snapshot: Snapshot, metric_id: int, series_ids: Sequence[int], minutes: Minutes
) -> Iterator[tuple[int, dict[int, Slot]]]:
    """Of each series with points in the range, what was measured in each step.

    Each minute is read once: from the coarsest grain that fits, from minutes where coarser ones are
    not made yet, and from the points that wait.

    Yields:
        A series, and its slots by step.
    """
    plan = _Plan(snapshot, metric_id, minutes)
    for place in range(0, len(series_ids), _CHUNK):
        chosen = series_ids[place : place + _CHUNK]
        found: defaultdict[int, list[tuple[int, Slot]]] = defaultdict(list)
        for series, minute, slot in plan.read(chosen):
            found[series].append((minute, slot))
        for series, ones in found.items():
            yield series, _stepped(ones, minutes)


def _stepped(ones: list[tuple[int, Slot]], minutes: Minutes) -> dict[int, Slot]:
    # By time, so that the last value is the last one; those that wait come after the others.
    steps: dict[int, Slot] = {}
    for minute, slot in sorted(ones, key=lambda one: one[0]):
        step = (minute - minutes.start) // minutes.step
        known = steps.get(step)
        steps[step] = slot if known is None else known.plus(slot)
    return steps


class _Plan:
    """From which rows each hour of a range is read."""

    def __init__(self, snapshot: Snapshot, metric_id: int, minutes: Minutes) -> None:
        self._snapshot = snapshot
        self._metric_id = metric_id
        self._minutes = minutes
        start, end, step = minutes
        known = self._known_hours()
        hours = range(
            max(start // MINUTES_PER_HOUR, known.start),
            min(-(-end // MINUTES_PER_HOUR), known.stop),
        )
        open_hours, open_days = self._open()
        oldest = now_us() // (MINUTE_US * MINUTES_PER_HOUR) - MINUTE_DAYS * _HOURS_PER_DAY
        self._days: set[int] = set()
        if step % DAY == 0:
            whole = range(
                max(-(-start // DAY), known.start // _HOURS_PER_DAY),
                min(end // DAY, -(-known.stop // _HOURS_PER_DAY)),
            )
            self._days = set(whole) - open_days - {hour // _HOURS_PER_DAY for hour in open_hours}
        rest = [hour for hour in hours if hour // _HOURS_PER_DAY not in self._days]
        coarse = step % QUARTER == 0
        self._by_quarter = {
            hour
            for hour in rest
            if hour not in open_hours and ((coarse and self._is_whole(hour)) or hour <= oldest)
        }
        self._by_minute = set(rest) - self._by_quarter

    def _known_hours(self) -> range:
        """The hours that any metric may have rows of: ranges of centuries are asked for, too."""
        tables, connection = self._snapshot.tables, self._snapshot.connection
        opened = tables.metric_open.c
        now = now_us() // (MINUTE_US * MINUTES_PER_HOUR)
        first = [now - MINUTE_DAYS * _HOURS_PER_DAY]
        for table in (tables.metric_quarter, tables.metric_day):
            day = connection.execute(select(func.min(table.c.day))).scalar()
            first += [] if day is None else [day * _HOURS_PER_DAY]
        waiting = select(func.min(opened.period)).where(opened.grain == GRAIN_DAY)
        day = connection.execute(waiting).scalar()
        first += [] if day is None else [day * _HOURS_PER_DAY]
        return range(min(first), now + _HOURS_PER_DAY)

    def _is_whole(self, hour: int) -> bool:
        """Whether the range takes whole quarters of an hour."""
        first = hour * MINUTES_PER_HOUR
        return all(
            not first < edge < first + MINUTES_PER_HOUR or edge % QUARTER == 0
            for edge in self._minutes[:2]
        )

    def _open(self) -> tuple[set[int], set[int]]:
        """Hours and days of the metric that are not rolled up."""
        mark = self._snapshot.tables.metric_unrolled.c
        query = select(mark.grain, mark.period).where(mark.metric_id == self._metric_id)
        found: tuple[set[int], set[int]] = (set(), set())
        for grain, period in self._snapshot.connection.execute(query):
            found[0 if grain == GRAIN_HOUR else 1].add(period)
        return found

    def read(self, series_ids: Sequence[int]) -> Iterator[tuple[int, int, Slot]]:
        """(series, first minute, slot) of what lies in the range, in no order."""
        for series, minute, slot in self._rows(series_ids):
            if self._minutes.start <= minute < self._minutes.end:
                yield series, minute, slot
        for series in series_ids:
            for minute, slot in self._waiting.get(series, ()):
                if self._minutes.start <= minute < self._minutes.end:
                    yield series, minute, slot

    def _rows(self, series_ids: Sequence[int]) -> Iterator[tuple[int, int, Slot]]:
        snapshot, metric = self._snapshot, self._metric_id
        connection, tables = snapshot.connection, snapshot.tables
        if self._by_minute:
            start, end = min(self._by_minute), max(self._by_minute) + 1
            for hour, series, packed in packed_rows(
                connection, tables, GRAIN_HOUR, metric, start, end, series_ids
            ):
                if hour in self._by_minute:
                    for place, slot in unpack(packed).items():
                        yield series, hour * MINUTES_PER_HOUR + place, slot
        if self._by_quarter:
            start, end = min(self._by_quarter), max(self._by_quarter)
            for day, series, packed in packed_rows(
                connection,
                tables,
                GRAIN_DAY,
                metric,
                start // _HOURS_PER_DAY,
                end // _HOURS_PER_DAY + 1,
                series_ids,
            ):
                for place, slot in unpack(packed).items():
                    if day * _HOURS_PER_DAY + place // _QUARTERS_PER_HOUR in self._by_quarter:
                        yield series, (day * QUARTERS_PER_DAY + place) * QUARTER, slot
        yield from self._whole_days(series_ids)

    def _whole_days(self, series_ids: Sequence[int]) -> Iterator[tuple[int, int, Slot]]:
        if not self._days:
            return
        day = self._snapshot.tables.metric_day.c
        query = select(day.day, day.series_id, day.payload).where(
            day.day >= min(self._days),
            day.day <= max(self._days),
            day.metric_id == self._metric_id,
            day.series_id.in_(series_ids),
        )
        for when, series, packed in self._snapshot.connection.execute(query):
            if when in self._days:
                yield series, when * DAY, unpack(packed)[0]

    @cached_property
    def _waiting(self) -> dict[int, list[tuple[int, Slot]]]:
        """What the points that wait add to each series of the metric, in order of time.

        Of all its series, whichever are wanted: a new one began at zero if others were there
        before, which must be seen here as the folder will see it.
        """
        snapshot = self._snapshot
        found = arrivals(snapshot.waiting_points, self._metric_id)
        states = load_states(snapshot.connection, snapshot.tables, found.points)
        done = absorbed(found, states, minutes_around(now_us()))
        return {
            series: [*added.before.items(), *added.slots.items()]
            for (_, series), (_, added) in done.items()
        }
