"""Secrets in adopted rows: hidden once, step by step, and nothing else is changed."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.store.settings import ADOPTED_LAST_OUTLIER, put_setting
from otel_fmd.store.store import Store
from otel_fmd.upkeep import adopted_secrets
from otel_fmd.upkeep.adopted_secrets import redact_adopted

FMD = {
    "request_header": "Host: x\r\nCookie: session=s3cret\r\n\r\n",
    "request_environment": str({"REQUEST_METHOD": "GET", "HTTP_COOKIE": "session=s3cret"}),
    "request_url": "http://ana:s3cret@x/item/1?token=s3cret&b=1",
    "cpu_percent": "[1.0, 2.0]",
    "memory": "svmem(total=1, percent=40.5)",
    "stacktrace": 'File: "a.py", line 1, in "f": "login(password=\'s3cret\')"',
    "request_values": None,
}
HIDDEN = {
    "request_header": "Host: x\r\nCookie: [redacted]\r\n\r\n",
    "request_environment": str({"REQUEST_METHOD": "GET", "HTTP_COOKIE": "[redacted]"}),
    "request_url": "http://[redacted]@x/item/1?token=[redacted]&b=1",
    "cpu_percent": "[1.0, 2.0]",
    "memory": "svmem(total=1, percent=40.5)",
    "stacktrace": 'File: "a.py", line 1, in "f": "login(password=\'[redacted]\')"',
    "request_values": None,
}


def fill(store: Store, number: int, later: int = 0) -> None:
    """Adopted outliers, later ones, and a line of code."""
    with store.write() as connection:
        for row in range(1, number + later + 1):
            connection.execute(insert(store.tables.outlier).values(id=row, **FMD))
        line = {"filename": "a.py", "line_number": 1, "function_name": "f"}
        for code in ("login(password='s3cret')", "x = 1"):
            connection.execute(insert(store.tables.code_line).values(code=code, **line))
        put_setting(connection, store.tables, ADOPTED_LAST_OUTLIER, str(number))


def rows(store: Store) -> list[dict[str, str | None]]:
    """The texts of all outliers, by id."""
    outlier = store.tables.outlier.c
    with store.read() as connection:
        found = connection.execute(select(*[outlier[name] for name in FMD]).order_by(outlier.id))
        return [dict(row._mapping) for row in found]


def codes(store: Store) -> list[str]:
    """All lines of code."""
    code_line = store.tables.code_line.c
    with store.read() as connection:
        return list(connection.execute(select(code_line.code).order_by(code_line.id)).scalars())


def test_secrets_in_adopted_rows_are_hidden(store: Store) -> None:
    """Those that were adopted; what is unknown stays unknown, and a second run finds no more."""
    fill(store, 3, later=1)
    seen: list[tuple[int, int]] = []
    assert redact_adopted(store, Redactor(), lambda *step: seen.append(step)) == 4
    assert rows(store) == [HIDDEN] * 3 + [FMD]
    assert codes(store) == ["login(password='[redacted]')", "x = 1"]
    assert seen == [(3, 3)]
    assert redact_adopted(store, Redactor()) == 0


def test_an_interruption_costs_one_step(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was hidden stays so, and the rest follows."""
    monkeypatch.setattr(adopted_secrets, "_STEP", 2)
    fill(sqlite_store, 5)

    def stop(_done: int, _whole: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redact_adopted(sqlite_store, Redactor(), stop)
    assert rows(sqlite_store) == [HIDDEN] * 2 + [FMD] * 3
    seen: list[tuple[int, int]] = []
    assert redact_adopted(sqlite_store, Redactor(), lambda *step: seen.append(step)) == 3
    assert rows(sqlite_store) == [HIDDEN] * 5
    assert seen == [(2, 3), (3, 3)]


def test_settings_act_on_adopted_rows(sqlite_store: Store) -> None:
    """Headers and environment are left out if they are not to be kept."""
    fill(sqlite_store, 1)
    redact_adopted(sqlite_store, Redactor(keep_headers=False, keep_environ=False))
    assert rows(sqlite_store) == [HIDDEN | {"request_header": "", "request_environment": ""}]


def test_a_database_without_adopted_rows_is_left_alone(sqlite_store: Store) -> None:
    """There is nothing to hide: what we store has no secrets."""
    assert redact_adopted(sqlite_store, Redactor()) == 0
