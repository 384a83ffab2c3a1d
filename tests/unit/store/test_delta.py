"""Delta rows: what is packed is what is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.errors import StoreError
from otel_fmd.store.delta import Columns, pack, unpack

SMALL = st.integers(0, 2**31 - 1)
ROWS = st.lists(
    st.tuples(
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

NOTHING = Columns([], [], [], [], [], [], [], {})


@given(ROWS, st.dictionaries(SMALL, st.integers(0, 2**60), max_size=3))
def test_a_delta_keeps_its_requests(rows: list[tuple[Any, ...]], seen: dict[int, int]) -> None:
    """Every column, in order."""
    columns = (
        Columns(*(list(column) for column in zip(*rows, strict=True)), seen)
        if rows
        else NOTHING._replace(seen=seen)
    )
    assert unpack(pack(columns)) == columns


def test_an_unknown_format_is_refused() -> None:
    """A newer version's delta is not misread."""
    with pytest.raises(StoreError, match="format 9"):
        unpack(b"\x09" + bytes(8))
