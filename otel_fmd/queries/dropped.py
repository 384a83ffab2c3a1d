"""Requests that processes had to drop."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.settings import DROPPED_PREFIX


class Dropped(NamedTuple):
    """How many requests were dropped in all, and when last (unix microseconds; 0: never)."""

    requests: int
    last_us: int


def dropped(snapshot: Snapshot) -> Dropped:
    """What all processes dropped."""
    setting = snapshot.tables.setting.c
    query = select(setting.value).where(setting.name.startswith(DROPPED_PREFIX))
    found = [json.loads(text) for text in snapshot.connection.execute(query).scalars()]
    return Dropped(
        sum(one["requests"] for one in found), max((one["last_us"] for one in found), default=0)
    )
