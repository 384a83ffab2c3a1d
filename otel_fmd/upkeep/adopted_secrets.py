"""Secrets in what FMD stored of outliers and profiles, hidden in steps that can be interrupted.

FMD stores headers, environment and values as they are. An adoption rewrites its outliers anyway
(each gets its endpoint), and rows of code lines are few. What is hidden here cannot be recovered
without a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, func, select, update

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.requests.outlier import OutlierRecord
from otel_fmd.store.settings import (
    ADOPTED_LAST_OUTLIER,
    ADOPTED_REDACTED_OUTLIER,
    get_setting,
    put_setting,
)
from otel_fmd.store.store import Store

Progress = Callable[[int, int], None]
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
        last = int(get_setting(connection, tables, ADOPTED_LAST_OUTLIER) or 0)
        done = int(get_setting(connection, tables, ADOPTED_REDACTED_OUTLIER) or 0)
        if done >= last:
            return 0
        left = select(func.count()).where(outlier.c.id > done, outlier.c.id <= last)
        whole = connection.execute(left).scalar_one()
    changed = _redact_code_lines(store, redactor) if not done else 0
    seen = 0
    while done < last:
        with store.write() as connection:
            rows = _rows(connection, outlier, OutlierRecord._fields, done, last)
            changed += _change(
                connection,
                outlier,
                {row[0]: (row[1:], _outlier(row[1:], redactor)) for row in rows},
            )
            done = rows[-1][0] if rows else last
            put_setting(connection, tables, ADOPTED_REDACTED_OUTLIER, str(done))
        seen += len(rows)
        if progress is not None:
            progress(seen, whole)
    return changed


def _redact_code_lines(store: Store, redactor: Redactor) -> int:
    code_line = store.tables.code_line
    changed = after = 0
    while True:
        with store.write() as connection:
            rows = _rows(connection, code_line, ("code",), after, None)
            if not rows:
                return changed
            lines = {row[0]: (row[1:], (redactor.text(row[1])[:250],)) for row in rows}
            changed += _change(connection, code_line, lines, ("code",))
            after = rows[-1][0]


def _outlier(texts: Sequence[str | None], redactor: Redactor) -> tuple[str | None, ...]:
    """The texts of a row without secrets; what was never stored stays unknown."""
    record = OutlierRecord(*(text or "" for text in texts)).redacted(redactor)
    return tuple(new if old else old for old, new in zip(texts, record, strict=True))


def _rows(
    connection: Connection, table: Table, names: Sequence[str], after: int, last: int | None
) -> Sequence[Row[Any]]:
    wanted = [table.c.id > after] if last is None else [table.c.id > after, table.c.id <= last]
    columns = [table.c[name] for name in names]
    query = select(table.c.id, *columns).where(*wanted).order_by(table.c.id).limit(_STEP)
    return connection.execute(query).all()


def _change(
    connection: Connection,
    table: Table,
    rows: Mapping[int, tuple[Sequence[str | None], Sequence[str | None]]],
    names: Sequence[str] = OutlierRecord._fields,
) -> int:
    """Update the rows, by id, whose old and new texts differ; how many those are."""
    changes = [
        {"row_id": number, **{f"new_{name}": text for name, text in zip(names, new, strict=True)}}
        for number, (old, new) in rows.items()
        if tuple(old) != tuple(new)
    ]
    if changes:
        statement = update(table).where(table.c.id == bindparam("row_id"))
        values = {name: bindparam(f"new_{name}") for name in names}
        connection.execute(statement.values(values), changes)
    return len(changes)
