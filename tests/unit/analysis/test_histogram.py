"""Exponential histograms: packing, and the promised error."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis import histogram
from otel_fmd.analysis.distribution import add_packed, empty_counts, from_counts, from_values
from otel_fmd.analysis.rollup import buckets_of

COUNTS = st.dictionaries(st.integers(-1, 2015), st.integers(1, 2**33), max_size=30)


@given(st.integers(2, 2**62))
def test_a_duration_lies_in_its_bucket(duration_ns: int) -> None:
    """base**i < duration <= base**(i+1), but for the last bits of floating point."""
    bucket = histogram.bucket_of(duration_ns)
    assert histogram.BASE**bucket * (1 - 1e-9) <= duration_ns
    assert duration_ns <= histogram.BASE ** (bucket + 1) * (1 + 1e-9)


@given(st.integers(1_000, 2**50))
def test_the_value_of_a_bucket_is_within_the_promised_error(duration_ns: int) -> None:
    """At most 1.1 %."""
    shown = histogram.value_ms(histogram.bucket_of(duration_ns)) * 1e6
    assert abs(shown - duration_ns) / duration_ns <= histogram.MAX_RELATIVE_ERROR * (1 + 1e-6)
    assert histogram.MAX_RELATIVE_ERROR < 0.011


@given(COUNTS)
def test_packing_keeps_every_count(counts: dict[int, int]) -> None:
    """What goes in comes out, also counts over 32 bits."""
    assert histogram.unpack(histogram.pack(counts)) == counts


@given(COUNTS, COUNTS.filter(bool))
def test_adding_is_a_sum(one: dict[int, int], other: dict[int, int]) -> None:
    """Packed + mapping, also where it must grow or widen."""
    found = histogram.unpack(histogram.add(histogram.pack(one), other))
    assert found == {b: one.get(b, 0) + other.get(b, 0) for b in one.keys() | other.keys()}


@given(st.lists(st.integers(0, 2**62), max_size=50))
def test_many_buckets_are_the_same_as_one_by_one(durations: list[int]) -> None:
    """The fast way gives the same."""
    assert buckets_of(durations) == [histogram.bucket_of(d) for d in durations]


@given(st.lists(st.integers(10_000, 10**11), min_size=1, max_size=300))
def test_distributions_from_buckets_and_from_values_agree(durations: list[int]) -> None:
    """Percentiles by the nearest rank are within 1.1 % of the real ones."""
    counts: dict[int, int] = {}
    for bucket in buckets_of(durations):
        counts[bucket] = counts.get(bucket, 0) + 1
    dense = empty_counts()
    add_packed(dense, histogram.pack(counts))
    rough, exact = from_counts(dense), from_values([d / 1e6 for d in durations])
    assert rough is not None
    assert exact is not None
    for name in ("q1", "q3", "p95", "p99", "minimum", "maximum"):
        one, other = getattr(rough, name), getattr(exact, name)
        assert math.isclose(one, other, rel_tol=0.0111), name
    shown = histogram.percentile(counts, [0.95])[0]
    assert shown is not None
    assert math.isclose(shown, rough.p95)


def test_no_counts_have_no_distribution() -> None:
    """Nothing is shown where nothing was measured."""
    assert from_counts(empty_counts()) is None
    assert from_values([]) is None
    assert histogram.percentile({}, [0.5]) == [None]


@given(COUNTS.filter(bool), COUNTS.filter(bool))
def test_a_sum_is_packed_as_the_sum_would_be(one: dict[int, int], other: dict[int, int]) -> None:
    """To the byte, whichever way it was added."""
    total = {b: one.get(b, 0) + other.get(b, 0) for b in one.keys() | other.keys()}
    assert histogram.add(histogram.pack(one), other) == histogram.pack(total)


@pytest.mark.parametrize(
    ("counts", "width"),
    [({0: 2**32 - 1, 2: 1}, 4), ({0: 2**32, 2: 1}, 8), ({0: 2**63, 2: 1}, 8)],
)
def test_the_packed_form(counts: dict[int, int], width: int) -> None:
    """A byte of width, two of the lowest bucket, a count for each bucket up to the highest."""
    packed = histogram.pack(counts)
    assert packed[0] == width
    assert int.from_bytes(packed[1:3], "little", signed=True) == 0
    assert len(packed) == 3 + 3 * width
    counts_of = [packed[3 + n * width :][:width] for n in range(3)]
    assert [int.from_bytes(one, "little") for one in counts_of] == [counts[0], 0, 1]
    assert histogram.unpack(packed) == counts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({5: 1}, {6: 1}),
        ({5: 1}, {7: 1}),
        ({5: 1}, {4: 1}),
        ({0: 2**32 - 1, 3: 1}, {0: 1, 1: 5}),
        ({0: 2**32 - 1, 3: 1}, {1: 5, 0: 1}),
        ({0: 2**32, 3: 1}, {1: 5, 3: 2}),
    ],
)
def test_adding_grows_and_widens(one: dict[int, int], other: dict[int, int]) -> None:
    """By a bucket at either end; where a count no longer fits; nothing is added twice."""
    total = {b: one.get(b, 0) + other.get(b, 0) for b in one.keys() | other.keys()}
    assert histogram.add(histogram.pack(one), other) == histogram.pack(total)
    assert histogram.add(b"", other) == histogram.pack(other)


def test_nothing_is_packed_into_nothing() -> None:
    """No bytes for no counts."""
    assert histogram.pack({}) == b""
    assert histogram.unpack(b"") == {}


def test_the_shortest_durations() -> None:
    """0 and 1 ns have the bucket of zero; 2 ns the end of the first power of two."""
    assert [histogram.bucket_of(ns) for ns in (0, 1, 2, 4)] == [-1, -1, 31, 63]
    assert buckets_of([0, 1, 2, 4]) == [-1, -1, 31, 63]
    assert histogram.value_ms(-1) == 0.0
    assert histogram.value_ms(0) == pytest.approx(1.0108e-6, rel=1e-4)


def test_percentiles_are_of_the_nearest_rank() -> None:
    """The first at 0, the last at 1, and each fraction by itself."""
    counts = {320: 1, 0: 94, 640: 5}
    low, middle, high = (histogram.value_ms(bucket) for bucket in (0, 320, 640))
    assert histogram.percentile(counts, [0, 0.94, 0.95, 0.9500001, 1]) == [
        low, low, middle, high, high,
    ]  # fmt: skip
    assert histogram.percentile({0: 1, 320: 99}, [0, 0.01, 0.02]) == [low, low, middle]
    assert histogram.percentile({}, [0.5, 0.9]) == [None, None]
