"""Made ids: positive, in order of time, the same for the same span."""

from __future__ import annotations

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
