"""Folding points in rounds: one that cannot be folded holds up no other."""

from __future__ import annotations

from collections import Counter

import pytest

from otel_fmd.pipeline import folding_points
from otel_fmd.pipeline.folding_points import PointFolding
from otel_fmd.rollups import fold_points
from otel_fmd.store.point_delta import PointColumns, unpack
from otel_fmd.store.store import Store
from tests.support.points import gauge
from tests.unit.rollups.test_fold_points import NOW_NS, rows, write


def test_a_delta_that_cannot_be_folded_is_dropped_alone(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are folded; its points are counted."""
    for value in (1.0, 2.0, 666.0, 3.0):
        write(sqlite_store, gauge("load", value, value, at_ns=NOW_NS + int(value), step_ns=10**9))

    def fail(payload: bytes) -> PointColumns:
        found = unpack(payload)
        if 666.0 in found.values:
            raise ArithmeticError("no sum of this")
        return found

    monkeypatch.setattr(fold_points, "unpack_delta", fail)
    monkeypatch.setattr(folding_points, "_WAIT_S", 0.0)
    counts: Counter[str] = Counter()
    folding = PointFolding(sqlite_store, counts.update, 30.0)
    for _ in range(20):
        if not folding.round():
            break
    (slots,) = rows(sqlite_store).values()
    assert (slots[0].number, slots[0].sum) == (6, 12.0)
    assert counts["points_dropped"] == 2
