"""From points as they arrive to what they add: pure, shared by the folder and readers.

A point of the same series and time is a duplicate and adds nothing: a client that sends a body
again changes nothing. Cumulative points add what they grew by, in each stream of their own; a
stream is a start time, so that workers that share a series, and a restart, are told apart.
Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#resets-and-gaps
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from otel_fmd.analysis.buckets import Buckets
from otel_fmd.analysis.point_rows import Slot

MINUTE_NS = 60_000_000_000
FRESH_NS = 5 * MINUTE_NS
"""A stream that is first seen this long after its start at most began at zero; what an older one
counted before it was seen belongs to no minute."""
_DECIMALS, _NOISE = 6, 2.0**-51
_MOST_STREAMS, _MOST_TIMES = 16, 32
_LENGTH = 3
"""Of an `Arrived` number."""


class PointKind:
    """How the points of a series add up."""

    GAUGE = 0
    DELTA = 1
    CUMULATIVE = 2
    DELTA_HISTOGRAM = 3
    CUMULATIVE_HISTOGRAM = 4


Arrived = tuple[Any, ...]
"""A point of a known series: time and start in nanoseconds, value; of a histogram also how many
were measured, the least and the largest of them (None when not known), and `Buckets`."""


class Stream(NamedTuple):
    """The last point of a cumulative stream."""

    time_ns: int
    value: float
    number: int = 0
    buckets: Buckets | None = None


_NOTHING = Stream(0, 0.0)


@dataclass(slots=True)
class SeriesState:
    """What is known of a series while its points arrive.

    Args:
        times_ns: of gauges and deltas, the times of the last points, the earliest first.
        streams: of cumulative ones, their last points, by start.
    """

    times_ns: list[int] = field(default_factory=list)
    streams: dict[int, Stream] = field(default_factory=dict)

    @property
    def last_ns(self) -> int:
        """When its last point was measured; 0 before the first."""
        last = self.times_ns[-1] if self.times_ns else 0
        return max([last, *(one.time_ns for one in self.streams.values())])


@dataclass(slots=True)
class Added:
    """What points add, by the minutes since 1970 that they belong to.

    Args:
        slots: to be added to what is there.
        before: the same, of gauges, measured before what is there was.
        duplicates: points that were known.
        late: points too old, or too far ahead, to be added.
    """

    slots: dict[int, Slot] = field(default_factory=dict)
    before: dict[int, Slot] = field(default_factory=dict)
    duplicates: int = 0
    late: int = 0


def absorb(
    kind: int,
    state: SeriesState,
    points: Sequence[Arrived],
    minutes: range,
    known_starts: Mapping[int, int],
) -> Added:
    """What points of one series, at least one, add; the state is changed.

    Args:
        kind: see `PointKind`.
        state: of the series.
        points: in any order.
        minutes: that can be added to.
        known_starts: starts of other streams of the same metric, and the first time each was seen:
            a series that joins them began at zero.
    """
    added = Added()
    ordered = sorted(points, key=_time_of)
    first, last = ordered[0][0] // MINUTE_NS, ordered[-1][0] // MINUTE_NS
    if first < minutes.start or last >= minutes.stop:
        ordered = _timely(added, ordered, minutes)
    if kind == PointKind.CUMULATIVE:
        _grow_numbers(added, state, ordered, known_starts)
    elif kind == PointKind.CUMULATIVE_HISTOGRAM:
        _grow(added, state, ordered, known_starts)
    elif kind == PointKind.DELTA_HISTOGRAM:
        _take(added, state, ordered, is_gauge=False)
    else:
        _take_numbers(added, state, ordered, is_gauge=kind == PointKind.GAUGE)
    return added


def _timely(added: Added, points: list[Arrived], minutes: range) -> list[Arrived]:
    found = [point for point in points if point[0] // MINUTE_NS in minutes]
    added.late += len(points) - len(found)
    return found


def _time_of(point: Arrived) -> int:
    time_ns: int = point[0]
    return time_ns


def _put(slots: dict[int, Slot], minute: int, slot: Slot) -> None:
    known = slots.get(minute)
    slots[minute] = slot if known is None else known.plus(slot)


def _take_numbers(
    added: Added, state: SeriesState, points: list[Arrived], *, is_gauge: bool
) -> None:
    """Values that are later than all before them, a minute at a time; any others one by one."""
    times = state.times_ns
    place = 0
    while place < len(points):
        time_ns, _, value = points[place]
        if times and time_ns <= times[-1]:
            _take(added, state, points[place : place + 1], is_gauge=is_gauge)
            place += 1
            continue
        minute = time_ns // MINUTE_NS
        end_ns = (minute + 1) * MINUTE_NS
        number, total, least, most, before = 0, 0.0, value, value, time_ns - 1
        while place < len(points):
            time_ns, _, current = points[place]
            if time_ns >= end_ns or time_ns == before:
                break
            before, value = time_ns, current
            number += 1
            total += value
            if value < least:
                least = value
            elif value > most:
                most = value
            times.append(time_ns)
            place += 1
        limits = (least, most, value) if is_gauge else ()
        _put(added.slots, minute, Slot(number, total, *limits))
        if len(times) > _MOST_TIMES:
            del times[: len(times) - _MOST_TIMES]


def _take(added: Added, state: SeriesState, points: list[Arrived], *, is_gauge: bool) -> None:
    """Points that count by themselves."""
    times = state.times_ns
    for point in points:
        time_ns, value = point[0], point[2]
        slots = added.slots
        if not times or time_ns > times[-1]:
            times.append(time_ns)
        else:
            place = bisect_left(times, time_ns)
            if times[place] == time_ns:
                added.duplicates += 1
                continue
            if place == 0 and len(times) >= _MOST_TIMES:
                added.late += 1
                continue
            insort(times, time_ns)
            slots = added.before
        if len(times) > _MOST_TIMES:
            del times[0]
        if is_gauge:
            slot = Slot(1, value, value, value, value)
        elif len(point) == _LENGTH:
            slot = Slot(1, value)
        else:
            slot = Slot(point[3], value, point[4], point[5], None, point[6])
        _put(slots, time_ns // MINUTE_NS, slot)


def _grow_numbers(
    added: Added, state: SeriesState, points: list[Arrived], known_starts: Mapping[int, int]
) -> None:
    """Sums that go on in a known stream, a minute at a time; any others one by one."""
    streams, place = state.streams, 0
    while place < len(points):
        time_ns, start_ns, _ = points[place]
        stream = streams.get(start_ns)
        if stream is None or time_ns <= stream[0]:
            _grow(added, state, points[place : place + 1], known_starts)
            place += 1
            continue
        minute = time_ns // MINUTE_NS
        end_ns, at_ns, before = (minute + 1) * MINUTE_NS, stream[0], stream[1]
        number, total = 0, 0.0
        while place < len(points):
            time_ns, start, value = points[place]
            if time_ns >= end_ns or time_ns <= at_ns or start != start_ns:
                break
            total += value - before if value >= before else value
            number += 1
            at_ns, before = time_ns, value
            place += 1
        _put(added.slots, minute, Slot(number, _without_noise(total, before * number)))
        streams[start_ns] = Stream(at_ns, before)


def _without_noise(grown: float, largest: float) -> float:
    """What a sum of seconds grew by has no more decimals than its values, but for noise."""
    rounded = round(grown, _DECIMALS)
    return rounded if abs(rounded - grown) <= _NOISE * largest else grown


def _grow(
    added: Added, state: SeriesState, points: list[Arrived], known_starts: Mapping[int, int]
) -> None:
    """Points of streams that began at their start."""
    streams = state.streams
    for point in points:
        time_ns, start_ns = point[0], point[1]
        stream = streams.get(start_ns)
        if stream is not None and time_ns > stream[0]:
            _put(added.slots, time_ns // MINUTE_NS, _increase(stream, point))
        elif stream is not None:
            if time_ns == stream[0]:
                added.duplicates += 1
            else:
                added.late += 1
            continue
        elif not _make_space(streams, time_ns):
            added.late += 1
            continue
        elif _began_at_zero(point, known_starts):
            _put(added.slots, time_ns // MINUTE_NS, _increase(_NOTHING, point))
        rest = (point[3], point[6]) if len(point) > _LENGTH else ()
        streams[start_ns] = Stream(time_ns, point[2], *rest)


def _make_space(streams: dict[int, Stream], time_ns: int) -> bool:
    """Whether there is space for a stream more; the one that is silent longest makes it."""
    if len(streams) >= _MOST_STREAMS:
        oldest = min(streams, key=lambda start: streams[start].time_ns)
        if time_ns <= streams[oldest].time_ns:
            return False
        del streams[oldest]
    return True


def _began_at_zero(point: Arrived, known_starts: Mapping[int, int]) -> bool:
    """Whether the first point of a stream that we see holds all that it counted since its start."""
    time_ns, start_ns = point[0], point[1]
    if not start_ns:
        return False
    since_ns: int = time_ns - start_ns
    return 0 < since_ns <= FRESH_NS or known_starts.get(start_ns, time_ns) < time_ns


def _increase(before: Stream, point: Arrived) -> Slot:
    """What a stream grew by; all of it, if it began again without saying so."""
    value: float = point[2]
    if len(point) == _LENGTH:
        grown = value - before.value
        return Slot(1, value if grown < 0 else _without_noise(grown, value))
    number, buckets = point[3], point[6]
    rest = buckets.minus(before.buckets or Buckets(buckets.scale))
    if rest is None or number < before.number:
        return Slot(number, value, None, None, None, buckets)
    return Slot(number - before.number, value - before.value, None, None, None, rest)
