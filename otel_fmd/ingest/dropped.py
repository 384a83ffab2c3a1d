"""Requests that processes had to drop, noted in the database as soon as it takes anything again."""

from __future__ import annotations

import json
import time

from otel_fmd.store.settings import DROPPED_PREFIX, put_setting
from otel_fmd.store.store import Store


def note_dropped(store: Store, process: str, number: int) -> None:
    """Record how many requests a process dropped since it started.

    Args:
        store: the database.
        process: identifies the process; no two write the same row.
        number: how many it dropped in all.
    """
    value = json.dumps({"requests": number, "last_us": time.time_ns() // 1000})
    with store.write() as connection:
        put_setting(connection, store.tables, f"{DROPPED_PREFIX}{process}", value)
