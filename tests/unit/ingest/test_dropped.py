"""Requests that a process dropped are noted, each process in a row of its own."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import select

from otel_fmd.ingest.dropped import note_dropped
from otel_fmd.store.settings import DROPPED_PREFIX
from otel_fmd.store.store import Store


def noted(store: Store) -> dict[str, dict[str, Any]]:
    """What is noted, by the process."""
    setting = store.tables.setting
    with store.read() as connection:
        rows = connection.execute(select(setting)).all()
    return {
        row.name.removeprefix(DROPPED_PREFIX): json.loads(row.value)
        for row in rows
        if row.name.startswith(DROPPED_PREFIX)
    }


def test_the_last_number_of_each_process_is_noted(store: Store) -> None:
    """With the moment, in microseconds."""
    before = time.time_ns() // 1000
    note_dropped(store, "one", 3)
    note_dropped(store, "two", 4)
    note_dropped(store, "one", 5)
    after = time.time_ns() // 1000
    found = noted(store)
    assert {process: values["requests"] for process, values in found.items()} == {
        "one": 5,
        "two": 4,
    }
    assert all(before <= values["last_us"] <= after for values in found.values())
    assert all(isinstance(values["last_us"], int) for values in found.values())
