"""Requests that processes had to drop, noted in the database as soon as it takes anything again."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.database.queries.snapshot import Snapshot
from otel_fmd.database.settings import put_setting
from otel_fmd.database.store import Store

_PREFIX = "dropped:"


class Dropped(NamedTuple):
    """How many requests were dropped in all, and when last (unix microseconds; 0: never)."""

    requests: int
    last_us: int


def note_dropped(store: Store, process: str, number: int) -> None:
    """Note how many requests a process dropped since it started.

    Args:
        store: the database.
        process: tells the process apart from all others; no two write the same row.
        number: all that it dropped.
    """
    value = json.dumps({"requests": number, "last_us": time.time_ns() // 1000})
    with store.write() as connection:
        put_setting(connection, store.tables, f"{_PREFIX}{process}", value)


def dropped(snapshot: Snapshot) -> Dropped:
    """What all processes dropped."""
    setting = snapshot.tables.setting.c
    query = select(setting.value).where(setting.name.startswith(_PREFIX))
    found = [json.loads(text) for text in snapshot.connection.execute(query).scalars()]
    return Dropped(
        sum(one["requests"] for one in found), max((one["last_us"] for one in found), default=0)
    )
