"""Folding to the end: what a test asks of the rollups does not depend on a background job."""

from __future__ import annotations

from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.store.store import Store
from tests.support.waiting import wait_for


def fold_all(store: Store) -> None:
    """Fold every delta into the rollups; fails when deltas are left."""
    folder = DeltaFolder(store)
    wait_for(
        lambda: not (folder.fold(100) or folder.fold_callers(100)), what="every delta is folded"
    )
    with store.read() as connection:
        for delta in (store.tables.delta, store.tables.caller_delta):
            assert connection.execute(delta.select()).first() is None
