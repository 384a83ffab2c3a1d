"""Delta rows: what is packed is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.database.delta import DeltaRow, pack, unpack
from otel_fmd.errors import StoreError

SMALL = st.integers(0, 2**31 - 1)
ROWS = st.lists(
    st.builds(
        DeltaRow,
        SMALL,
        SMALL,
        st.integers(0, 999),
        st.integers(-(2**62), 2**62),
        st.integers(0, 2**62),
        st.text(max_size=8),
        st.text(max_size=8),
    ),
    max_size=20,
)


@given(ROWS, st.dictionaries(SMALL, st.integers(0, 2**60), max_size=3))
def test_a_delta_keeps_its_requests(rows: list[DeltaRow], seen: dict[int, int]) -> None:
    """Every column, in order."""
    columns = unpack(pack(rows, seen))
    assert list(map(DeltaRow._make, zip(*columns[:7], strict=True))) == rows
    assert columns.seen == seen


def test_an_unknown_format_is_refused() -> None:
    """A newer version's delta is not misread."""
    with pytest.raises(StoreError, match="format 9"):
        unpack(b"\x09" + bytes(8))
