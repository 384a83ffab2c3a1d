"""Leases: what only one of a database's processes may do at a time.

A lease is a row with its holder and its expiry. The holder renews it; if that process dies, another
takes it after the expiry. Every update names the value that it replaces, so only one of two
processes that compete gets it, on every engine.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.store.settings import LEASE_PREFIX, get_setting
from otel_fmd.store.store import Store

_RENEWED_AFTER = 1 / 3
"""The part of its period after which a lease is renewed."""
_LONGEST_S = 2 * 3_600.0
"""A lease that would last longer than this was written by a wrong clock."""


class _Held(NamedTuple):
    holder: str
    until_s: float


class Lease:
    """The right of one process to do something, for a time.

    If more than `period_s` passes between two calls of `acquire`, or the clocks of two machines
    differ by as much, two processes may hold it at once for a while.

    Args:
        store: the database, with its schema in place.
        name: what is to be done; at most 90 characters.
        period_s: seconds that it lasts when its holder does not renew it; at most an hour.
    """

    def __init__(self, store: Store, name: str, period_s: float = 300.0) -> None:
        self._store = store
        self._name = f"{LEASE_PREFIX}{name}"
        self._period_s = period_s
        self._own = f"{socket.gethostname()[:40]}:{secrets.token_hex(4)}"
        self.refused_at_s = 0.0
        """When another process was last found to have it, in unix seconds; 0: never."""

    @property
    def holder(self) -> str:
        """How it names this process; another one after a fork."""
        return f"{self._own}:{os.getpid()}"

    def acquire(self) -> bool:
        """Take it, or keep it; False while another process has it.

        Raises:
            StoreUnavailableError: it is not known which process has it.
        """
        now_s = time.time()
        with self._store.read() as connection:
            held = _parsed(self._value(connection))
        if held is not None and self._lasts(held, now_s):
            if held.holder != self.holder:
                self.refused_at_s = now_s
                return False
            if held.until_s - now_s > self._period_s * (1 - _RENEWED_AFTER):
                return True
        try:
            taken = self._take(now_s)
        except IntegrityError as error:
            if not self._store.database.is_duplicate(error):
                raise
            taken = False
        if not taken:
            self.refused_at_s = now_s
        return taken

    def release(self) -> None:
        """Let others have it at once, if this process has it.

        Raises:
            StoreUnavailableError: it will expire by itself.
        """
        setting = self._store.tables.setting
        with self._store.write() as connection:
            value = self._value(connection)
            held = _parsed(value)
            if held is not None and held.holder == self.holder:
                mine = (setting.c.name == self._name) & (setting.c.value == value)
                connection.execute(delete(setting).where(mine))

    def _take(self, now_s: float) -> bool:
        setting = self._store.tables.setting
        wanted = json.dumps({"holder": self.holder, "until_s": now_s + self._period_s})
        with self._store.write() as connection:
            value = self._value(connection)
            if value is None:
                connection.execute(insert(setting).values(name=self._name, value=wanted))
                return True
            held = _parsed(value)
            if held is not None and held.holder != self.holder and self._lasts(held, now_s):
                return False
            same = (setting.c.name == self._name) & (setting.c.value == value)
            return connection.execute(update(setting).where(same).values(value=wanted)).rowcount > 0

    @staticmethod
    def _lasts(held: _Held, now_s: float) -> bool:
        return now_s < held.until_s <= now_s + _LONGEST_S

    def _value(self, connection: Connection) -> str | None:
        return get_setting(connection, self._store.tables, self._name)


def _parsed(value: str | None) -> _Held | None:
    """What a row says; None when it says nothing that can be read."""
    try:
        found = json.loads(value or "null")
        return _Held(str(found["holder"]), float(found["until_s"]))
    except (ValueError, KeyError, TypeError):
        return None
