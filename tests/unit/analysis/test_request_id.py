"""Made ids: positive, in order of time, the same for the same span."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis.request_id import (
    EPOCH_US,
    MAX_ID,
    id_range,
    next_id,
    request_id,
    start_us_of,
)

IDS = st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
TIMES = st.integers(0, 2**54)


@given(TIMES, IDS)
def test_an_id_is_a_positive_63_bit_number_in_the_range_of_its_time(
    us: int, ids: tuple[bytes, bytes]
) -> None:
    """Whatever the clock says."""
    found = request_id(us, *ids)
    assert 0 < found <= MAX_ID
    low, high = id_range(us, us + 1)
    assert low <= found <= high
    assert found == request_id(us, *ids)


@given(st.integers(EPOCH_US + 1, EPOCH_US + 2**51 - 2), IDS)
def test_an_id_tells_the_start(us: int, ids: tuple[bytes, bytes]) -> None:
    """To the microsecond."""
    assert start_us_of(request_id(us, *ids)) == us


def test_the_next_id_goes_upward_and_around() -> None:
    """In steps that are the span's own; never over 63 bits."""
    ids = (b"t" * 16, b"s" * 8)
    step = next_id(5, *ids) - 5
    assert 0 < step <= 2**20
    assert next_id(5, *ids) == 5 + step
    assert next_id(5, ids[0], b"other id") != 5 + step
    assert next_id(MAX_ID, *ids) == step


@given(st.integers(0, MAX_ID), IDS)
def test_the_next_id_is_a_step_of_the_spans_own(taken: int, ids: tuple[bytes, bytes]) -> None:
    """Odd, of 20 bits; around from the last id to the first, never 0."""
    step = crc32(ids[0], crc32(ids[1])) >> 12 | 1
    found = next_id(taken, *ids)
    assert found == (taken + step if taken + step <= MAX_ID else taken + step - MAX_ID)
    assert 0 < found <= MAX_ID


LAST = 2**51 - 1
"""The first microsecond after the epoch that does not fit."""
EARLY, LATE = 2 << 43, MAX_ID - (2 << 43)
"""The ids of all that was before, and will be after, what fits."""


@pytest.mark.parametrize(
    ("start", "end", "lowest", "highest"),
    [
        (1_000, 2_000, 1_000 << 12, (2_000 << 12) - 1),
        (1, 2, 1 << 12, (2 << 12) - 1),
        (0, 1, 0, EARLY),
        (-5, 0, 0, EARLY),
        (-5, 2**40, 0, (2**40 << 12) - 1),
        (-5, LAST, 0, MAX_ID),
        (LAST - 1, LAST, LATE, MAX_ID),
        (2**40, LAST, 2**40 << 12, MAX_ID),
        (LAST, LAST + 1, LATE, MAX_ID),
        (LAST - 2, LAST - 1, (LAST - 2) << 12, ((LAST - 1) << 12) - 1),
    ],
)
def test_the_ids_of_a_time(start: int, end: int, lowest: int, highest: int) -> None:
    """Exactly; wider where starts that do not fit were clamped. In microseconds since 2020."""
    assert id_range(EPOCH_US + start, EPOCH_US + end) == (lowest, highest)


@pytest.mark.parametrize("start", [-(10**15), 0, 1, 5_000, LAST - 1, LAST, 10**16])
def test_the_bits_of_an_id(start: int) -> None:
    """Time, then the hash; of what does not fit, more of the hash."""
    trace_id, span_id = b"0123456789abcdef", b"01234567"
    code = crc32(span_id, crc32(trace_id))
    wide = (code << 32 | crc32(trace_id, code)) % 2**43
    expected = start * 4_096 + code % 4_096
    if start <= 0:
        expected = 2**43 + wide
    elif start >= LAST:
        expected = MAX_ID - 2**43 - wide
    assert request_id(EPOCH_US + start, trace_id, span_id) == expected
