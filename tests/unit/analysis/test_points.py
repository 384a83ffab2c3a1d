"""Points of metrics: packed and back, added to their series, read as percentiles."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis.buckets import (
    EXPLICIT,
    Buckets,
    Range,
    buckets_of,
    merged,
    percentile,
    ranges,
)
from otel_fmd.analysis.packed_state import pack_state, unpack_state
from otel_fmd.analysis.point_rows import Slot, pack, sealed, total_of, unpack
from otel_fmd.analysis.point_state import (
    FRESH_NS,
    MINUTE_NS,
    PointKind,
    SeriesState,
    absorb,
)
from otel_fmd.errors import StoreError
from otel_fmd.signals.metric import Distribution

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
COUNTS = st.dictionaries(st.integers(-1_000, 1_000), st.integers(1, 2**40), max_size=6)
BUCKETS = st.builds(
    Buckets, st.sampled_from([EXPLICIT, 5, 0, -3]), st.integers(0, 99), COUNTS, COUNTS
)
NUMBER = st.integers(1, 2**40)
GAUGES = st.tuples(NUMBER, NUMBERS, NUMBERS, NUMBERS, NUMBERS).map(lambda one: Slot(*one))
SUMS = st.tuples(NUMBER, NUMBERS).map(lambda one: Slot(*one))
HISTOGRAMS = st.tuples(NUMBER, NUMBERS, BUCKETS).map(lambda one: Slot(*one[:2], buckets=one[2]))
AT = 29_000_000
"""A minute since 1970."""
ALWAYS = range(0, 10**9)


def slots_of(kind: st.SearchStrategy[Slot]) -> st.SearchStrategy[dict[int, Slot]]:
    """Some slots of a row."""
    return st.dictionaries(st.integers(0, 95), kind, min_size=1, max_size=20)


@given(st.one_of(slots_of(GAUGES), slots_of(SUMS), slots_of(HISTOGRAMS)))
def test_what_is_packed_comes_back(slots: dict[int, Slot]) -> None:
    """Whatever numbers they are; also when it was sealed, twice."""
    packed = pack(slots, 96)
    for one in (packed, sealed(packed), sealed(sealed(packed))):
        found = unpack(one)
        assert found.keys() == slots.keys()
        for place, slot in slots.items():
            for got, expected in zip(found[place][:5], slot[:5], strict=True):
                assert got == (expected and pytest.approx(expected, rel=2**-49, abs=0))
            assert (found[place].buckets or Buckets()) == (slot.buckets or Buckets())


def test_what_is_too_large_is_the_largest() -> None:
    """Counts that no SDK can have reached stop no folder."""
    slot = Slot(2**64, 1.0, buckets=Buckets(EXPLICIT, 2**70, {0: 2**64}, {}))
    found = unpack(pack({0: slot}, 1))[0]
    assert (found.number, found.buckets) == (2**62, Buckets(EXPLICIT, 2**62, {0: 2**62}, {}))


def test_usual_numbers_take_few_bytes() -> None:
    """An hour of minutes with one value each."""
    chance = random.Random(1)
    memory = accumulate((chance.randrange(-20, 20) * 4096 for _ in range(60)), initial=3e8)
    made = {
        "constant": [8.0] * 60,
        "whole": [float(chance.randrange(100)) for _ in range(60)],
        "seconds": [chance.randrange(6_000) / 100 for _ in range(60)],
        "memory": [float(one) for one in list(memory)[:60]],
    }
    sizes = {
        name: len(sealed(pack({n: Slot(1, v, v, v, v) for n, v in enumerate(values)}, 60)))
        for name, values in made.items()
    }
    assert sizes["constant"] < 20
    assert sizes["whole"] < 90
    assert sizes["seconds"] < 150
    assert sizes["memory"] < 160


def test_an_unknown_format_is_refused() -> None:
    """Of a later version."""
    with pytest.raises(StoreError, match="begin with 09"):
        unpack(b"\x09\x00")


def test_slots_add_up_in_order() -> None:
    """The last value is the later one's, limits are of both, a sum has none."""
    one, two = Slot(2, 5.0, 1.0, 4.0, 4.0), Slot(1, 3.0, 3.0, 3.0, 3.0)
    assert one.plus(two) == Slot(3, 8.0, 1.0, 4.0, 3.0) == total_of([one, two])
    assert Slot(1, 5.0).plus(Slot(1, 2.0)) == Slot(2, 7.0)
    assert total_of([]) is None


def gauge(*values: tuple[float, float]) -> list[tuple[int, int, float]]:
    """Points at so many seconds after `AT`."""
    return [(AT * MINUTE_NS + int(at * 1e9), 0, value) for at, value in values]


def test_any_order_of_points_gives_the_same_minute() -> None:
    """Of gauges and deltas; each one is known when it comes again."""
    points = gauge((0, 3.0), (10, 1.0), (20, 7.0), (30, 2.0))
    for kind, expected in (
        (PointKind.GAUGE, Slot(4, 13.0, 1.0, 7.0, 2.0)),
        (PointKind.DELTA, Slot(4, 13.0)),
    ):
        for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
            state, minute = SeriesState(), {}
            for place in order:
                added = absorb(kind, state, [points[place]], ALWAYS, {})
                for slot in added.before.values():
                    minute[AT] = slot.plus(minute[AT]) if AT in minute else slot
                for slot in added.slots.values():
                    minute[AT] = minute[AT].plus(slot) if AT in minute else slot
            assert minute == {AT: expected}
            again = absorb(kind, state, points, ALWAYS, {})
            assert (again.slots, again.before, again.duplicates) == ({}, {}, 4)


def test_points_too_old_to_be_told_from_duplicates_are_late() -> None:
    """Only so many times are remembered."""
    state = SeriesState()
    absorb(PointKind.DELTA, state, gauge(*((n, 1.0) for n in range(50))), ALWAYS, {})
    added = absorb(PointKind.DELTA, state, gauge((0.5, 1.0)), ALWAYS, {})
    assert (added.late, added.duplicates) == (1, 0)
    assert unpack_state(pack_state(state)) == state


def cumulative(start_ns: int, *values: tuple[float, float]) -> list[tuple[int, int, float]]:
    """Points of a stream."""
    return [(time_ns, start_ns, value) for time_ns, _, value in gauge(*values)]


def grown(state: SeriesState, points: list[tuple[int, int, float]], **starts: int) -> float:
    """By how much a sum grew."""
    known = {int(start[1:]): seen for start, seen in starts.items()}
    added = absorb(PointKind.CUMULATIVE, state, points, ALWAYS, known)
    return sum(slot.sum for slot in added.slots.values())


def test_the_first_point_counts_from_zero_only_if_its_stream_is_young() -> None:
    """Or if others of its process were seen before it existed."""
    at_ns = AT * MINUTE_NS
    young, old = at_ns - FRESH_NS, at_ns - FRESH_NS - 1
    assert grown(SeriesState(), cumulative(young, (0, 50))) == 50
    assert grown(SeriesState(), cumulative(old, (0, 50))) == 0
    assert grown(SeriesState(), cumulative(0, (0, 50))) == 0
    assert grown(SeriesState(), cumulative(at_ns, (0, 50))) == 0
    assert grown(SeriesState(), cumulative(old, (0, 50)), **{f"s{old}": at_ns - 1}) == 50
    assert grown(SeriesState(), cumulative(old, (0, 50)), **{f"s{old}": at_ns}) == 0


def test_streams_of_workers_and_resets_add_up() -> None:
    """In one go, or point by point; late points of a stream add nothing."""
    one, two = AT * MINUTE_NS - 100, AT * MINUTE_NS - 7
    points = [
        *cumulative(one, (1, 10), (11, 12), (21, 3), (31, 4)),
        *cumulative(two, (2, 5), (12, 5), (22, 6)),
    ]
    assert grown(SeriesState(), points) == 10 + 2 + 3 + 1 + 6
    state = SeriesState()
    ordered = sorted(points)
    assert sum(grown(state, [point]) for point in ordered) == 22
    assert unpack_state(pack_state(state)) == state
    added = absorb(PointKind.CUMULATIVE, state, points, ALWAYS, {})
    assert (added.slots, added.duplicates, added.late) == ({}, 2, 5)


def test_seconds_that_add_up_stay_short() -> None:
    """0.3 - 0.1 is 0.2 here, or it would take eight bytes."""
    state = SeriesState()
    points = cumulative(AT * MINUTE_NS - 1, (1, 0.1), (70, 0.3))
    added = absorb(PointKind.CUMULATIVE, state, points, ALWAYS, {})
    assert [slot.sum for slot in added.slots.values()] == [0.1, 0.2]


@given(st.lists(st.integers(-200, 3_000), min_size=1, max_size=50), st.integers(0, 12))
def test_a_finer_histogram_becomes_exactly_a_coarser_one(places: list[int], steps: int) -> None:
    """As if it had been measured at that scale: bucket by bucket."""
    fine = Buckets(5 + steps, 0, dict.fromkeys(places, 1), {})
    coarse: dict[int, int] = {}
    for place in set(places):
        # The upper end of a bucket is inclusive: (base**i, base**(i+1)].
        coarse[place // 2**steps] = coarse.get(place // 2**steps, 0) + 1
    found = fine.at(5)
    assert (found.scale, dict(found.counts)) == (5, coarse)
    made = buckets_of(Distribution(1, 0.0, None, None, (), 5 + steps, 0, fine.counts, {}))
    assert made == found


def test_histograms_of_different_scales_meet_at_the_coarser() -> None:
    """Both ways; what one holds more than another is their difference, none if it fell."""
    one, two = Buckets(5, 1, {32: 4}, {}), Buckets(0, 0, {1: 3}, {2: 1})
    assert one.plus(two) == two.plus(one) == Buckets(0, 1, {1: 7}, {2: 1})
    assert one.plus(two).minus(two) == Buckets(0, 1, {1: 4}, {})
    assert two.minus(one) is None
    assert Buckets().plus(one) == one


def test_percentiles_are_within_their_bucket() -> None:
    """Interpolated in explicit ones, 1.1 % at scale 5; the outermost end at the limits."""
    explicit = Buckets(EXPLICIT, 0, {0: 10, 1: 80, 2: 10}, {})
    found = ranges(explicit, (0.1, 0.5), 0.02, 3.0)
    assert found == [Range(0.02, 0.1, 10), Range(0.1, 0.5, 80), Range(0.5, 3.0, 10)]
    assert percentile(found, 0.5) == pytest.approx(0.1 + 0.4 * 39.5 / 80)
    assert percentile(found, 1.0) == pytest.approx(2.875)
    assert percentile([], 0.5) is None
    chance = random.Random(3)
    values = sorted(chance.lognormvariate(-2, 1) for _ in range(2_000))
    counts: dict[int, int] = {}
    for value in values:
        place = 0
        while 2.0 ** ((place + 1) / 32) < value:
            place += 1
        while 2.0 ** (place / 32) >= value:
            place -= 1
        counts[place] = counts.get(place, 0) + 1
    for fraction in (0.5, 0.95, 0.99):
        exact = values[int(fraction * len(values)) - 1]
        got = percentile(ranges(Buckets(5, 0, counts, {}), (), None, None), fraction)
        assert got == pytest.approx(exact, rel=0.022)


def test_negative_values_and_zeros_are_in_order() -> None:
    """The lowest first."""
    found = ranges(Buckets(0, 2, {0: 3}, {0: 1, 1: 1}), (), None, None)
    assert found == [Range(-4, -2, 1), Range(-2, -1, 1), Range(0, 0, 2), Range(1, 2, 3)]


def test_the_coarsest_scale_has_bounds_too() -> None:
    """Beyond the largest number they end there."""
    (one, other) = ranges(Buckets(-10, 0, {-1: 2, 0: 1}, {}), (), 1e-3, 5.0)
    assert one == Range(1e-3, 1.0, 2)
    assert other == Range(1.0, 5.0, 1)
    assert percentile([one, other], 0.5) == pytest.approx(0.75, abs=0.01)


def test_histograms_with_other_bounds_merge() -> None:
    """Each bucket is divided where the other's end; the count stays."""
    one, two = [Range(0.0, 1.0, 10)], [Range(0.0, 0.5, 4), Range(0.5, 2.0, 6)]
    assert merged([one]) == one
    both = merged([one, two])
    assert sum(part.number for part in both) == 20
    assert [(part.low, part.high) for part in both] == [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0)]
