"""Secrets in what FMD stored of outliers and profiles, hidden in steps that can be interrupted.

FMD stores headers, environment and values as they are. An adoption rewrites its outliers anyway
(each gets its endpoint), and rows of code lines are few. What is hidden here cannot be recovered
without a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select, update

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import fit
from otel_fmd.requests.outlier import OutlierRecord
from otel_fmd.store.settings import (
    ADOPTED_LAST_OUTLIER,
    ADOPTED_REDACTED_OUTLIER,
    get_setting,
    put_setting,
)
from otel_fmd.store.store import Store

Progress = Callable[[int, int], None]
Texts = Mapping[str, Any]
"""Values of a row, by column."""
CODE_WIDTH = 250
_STEP = 500


def redact_adopted(store: Store, redactor: Redactor, progress: Progress | None = None) -> int:
    """Hide the secrets in adopted rows; what was done before an interruption stays done.

    Args:
        store: the database, adopted.
        redactor: hides them, and leaves out headers or environment if they are not kept.
        progress: called with outliers done and outliers in all.

    Returns:
        How many outliers and lines of code were changed.
    """
    tables, outlier = store.tables, store.tables.outlier
    with store.read() as connection:
        adopted = get_setting(connection, tables, ADOPTED_LAST_OUTLIER)
        redacted = get_setting(connection, tables, ADOPTED_REDACTED_OUTLIER)
        if adopted is None or adopted == redacted:
            return 0
        last, done = int(adopted), int(redacted or 0)
        left = select(func.count()).where(outlier.c.id > done, outlier.c.id <= last)
        whole = connection.execute(left).scalar_one()
    changed = seen = 0
    if not done:
        changed = _redact_code_lines(store, redactor)
    while True:
        with store.write() as connection:
            step = _step(connection, outlier, done, last, lambda row: _outlier(row, redactor))
            done = step.last_id if step.rows else last
            put_setting(connection, tables, ADOPTED_REDACTED_OUTLIER, str(done))
        changed += step.changed
        seen += step.rows
        if progress is not None and step.rows:
            progress(seen, whole)
        if done >= last:
            return changed


class _Step(NamedTuple):
    rows: int
    changed: int
    last_id: int


def _redact_code_lines(store: Store, redactor: Redactor) -> int:
    changed = after = 0
    while True:
        with store.write() as connection:
            step = _step(
                connection,
                store.tables.code_line,
                after,
                None,
                lambda row: {"code": fit(redactor.code(row["code"] or ""), CODE_WIDTH)},
            )
        if not step.rows:
            return changed
        changed += step.changed
        after = step.last_id


def _outlier(row: Texts, redactor: Redactor) -> Texts:
    """The texts of a row without secrets; what was never stored stays unknown."""
    record = OutlierRecord(*(row[name] or "" for name in OutlierRecord._fields))
    return {n: new for n, new in record.redacted(redactor)._asdict().items() if row[n]}


def _step(
    connection: Connection,
    table: Table,
    after: int,
    last: int | None,
    redact: Callable[[Texts], Texts],
) -> _Step:
    """Redact the next rows of a table, in the order of their ids."""
    query = select(table).where(table.c.id > after).order_by(table.c.id).limit(_STEP)
    rows = connection.execute(query if last is None else query.where(table.c.id <= last)).all()
    changed = 0
    for row in rows:
        old = dict(row._mapping)
        new = {name: text for name, text in redact(old).items() if text != old[name]}
        if new:
            connection.execute(update(table).where(table.c.id == row.id).values(new))
            changed += 1
    return _Step(len(rows), changed, rows[-1].id if rows else after)
