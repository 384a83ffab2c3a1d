"""Requests that processes had to drop, noted in the database as soon as it takes anything again."""

from __future__ import annotations

import json
import logging
import os
import socket
import time

from otel_fmd.errors import OtelFmdError
from otel_fmd.store.settings import DROPPED_PREFIX, put_setting
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_log = logging.getLogger(__name__)


def note_dropped(store: Store, process: str, number: int) -> None:
    """Record how many requests a process dropped since it started.

    Args:
        store: the database.
        process: identifies the process; no two write the same row.
        number: how many it dropped in all.
    """
    value = json.dumps({"requests": number, "last_us": now_us()})
    with store.write() as connection:
        put_setting(connection, store.tables, f"{DROPPED_PREFIX}{process}", value)


class DropReport:
    """What one process dropped, as the database has it.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._process = f"{socket.gethostname()[:40]}:{os.getpid()}:{time.time_ns()}"
        self._reported = 0

    def update(self, number: int) -> None:
        """Record the number, if it is another one; a database that fails gets it with the next."""
        if number == self._reported:
            return
        try:
            note_dropped(self._store, self._process, number)
            self._reported = number
        except OtelFmdError as error:
            _log.debug("dropped requests could not be recorded: %s", error)
