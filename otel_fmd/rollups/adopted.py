"""Rollups of the rows that FMD wrote, in chunks that can be interrupted and resumed."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select

from otel_fmd.analysis.rollup import Rollup
from otel_fmd.rollups.callers import caller_counts
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.recount import request_columns
from otel_fmd.store.settings import ADOPTED_DONE_ID, ADOPTED_LAST_ID, get_setting, put_setting
from otel_fmd.store.store import Store

Progress = Callable[[int, int], None]


def build_rollups(store: Store, max_callers: int, progress: Progress | None = None) -> int:
    """Count the adopted rows into the rollups; what was done before an interruption stays done."""
    tables, folder = store.tables, DeltaFolder(store, max_callers)
    counted = 0
    with store.read() as connection:
        last = int(get_setting(connection, tables, ADOPTED_LAST_ID) or 0)
        request = tables.request.c.id
        whole = connection.execute(select(func.count(request)).where(request <= last)).scalar_one()
    while True:
        with store.write() as connection:
            folder.lock(connection)
            done = int(get_setting(connection, tables, ADOPTED_DONE_ID) or 0)
            columns = next(request_columns(connection, tables, done, last), None)
            if columns is None:
                return counted
            rollup = Rollup()
            rollup.add(*columns[:5])
            folder.add(connection, rollup)
            folder.add_callers(connection, caller_counts([columns]))
            put_setting(connection, tables, ADOPTED_DONE_ID, str(columns.last_id))
            counted += len(columns.endpoint_ids)
        if progress is not None:
            progress(counted, whole)
