"""Sessions: one row for each browser that is logged in.

A session ends at logout, after 24 hours without use and after 14 days in any case; and at once, in
every process, when its user is removed or gets another password or role, by whatever program: it
carries a hash of these (`User.stamp`), which is compared at each use. So a user who was given the
id of a removed one never inherits a session.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from otel_fmd.errors import StoreError
from otel_fmd.people.secret import hash_of, new_secret
from otel_fmd.people.users import User, user_of_id
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables
from otel_fmd.store.times import now_us

_log = logging.getLogger(__name__)
_HOUR_US = 3_600_000_000
IDLE_US = 24 * _HOUR_US
ABSOLUTE_US = 14 * 24 * _HOUR_US
ABSOLUTE_S = ABSOLUTE_US // 1_000_000
_RECORDED_EVERY_US = 60_000_000
"""How exact `seen_us` is: each change of it is a write."""
_ADDRESS_WIDTH, _BROWSER_WIDTH = 100, 250


class Session(NamedTuple):
    """A session.

    Args:
        hash: identifies it; useless as a cookie.
        created_us: when the user logged in, in unix microseconds.
        seen_us: when it was last used, to the minute.
        address: of the browser at login.
        browser: its user agent at login.
    """

    hash: str
    created_us: int
    seen_us: int
    address: str
    browser: str


class LoggedIn(NamedTuple):
    """A session and its user."""

    session: Session
    user: User


class Sessions:
    """The sessions in a database.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.tables.session

    def start(self, user: User, address: str, browser: str) -> str:
        """Log a user in; the secret for their cookie. Removes sessions that have expired."""
        secret, now = new_secret(), now_us()
        values = {
            "hash": hash_of(secret),
            "user_id": user.id,
            "stamp": user.stamp,
            "created_us": now,
            "seen_us": now,
            "address": address[:_ADDRESS_WIDTH],
            "browser": browser[:_BROWSER_WIDTH],
        }
        columns = self._table.c
        expired = or_(columns.seen_us < now - IDLE_US, columns.created_us < now - ABSOLUTE_US)
        with self._store.write() as connection:
            connection.execute(delete(self._table).where(expired))
            connection.execute(insert(self._table).values(values))
        return secret

    def find(self, secret: str) -> LoggedIn | None:
        """The session with this secret, if it has not ended, and its user; records its use."""
        now, tables = now_us(), self._store.tables
        with self._store.read() as connection:
            row = connection.execute(
                select(self._table).where(self._table.c.hash == hash_of(secret))
            ).first()
            if row is None or not _is_alive(row, now):
                return None
            user = user_of_id(connection, tables, row.user_id)
        if user is None or user.stamp != row.stamp:
            return None
        if now - row.seen_us > _RECORDED_EVERY_US:
            self._record_use(row.hash, now)
        return LoggedIn(_session(row), user)

    def _record_use(self, session_hash: str, now: int) -> None:
        seen = update(self._table).where(self._table.c.hash == session_hash).values(seen_us=now)
        try:
            with self._store.write() as connection:
                connection.execute(seen)
        except StoreError as error:
            # On a full disk, say: what is stored can still be looked at.
            _log.debug("the use of a session was not recorded: %s", error)

    def end(self, session: Session) -> None:
        """Log out."""
        with self._store.write() as connection:
            connection.execute(delete(self._table).where(self._table.c.hash == session.hash))


def sessions_of(connection: Connection, tables: Tables, user: User) -> list[Session]:
    """A user's sessions, the last used first."""
    now, table = now_us(), tables.session
    rows = connection.execute(
        select(table).where(table.c.user_id == user.id, table.c.stamp == user.stamp)
    ).all()
    alive = [_session(row) for row in rows if _is_alive(row, now)]
    return sorted(alive, key=lambda one: one.seen_us, reverse=True)


def end_session(connection: Connection, tables: Tables, user: User, session_hash: str) -> bool:
    """End one session of a user; whether they had it."""
    table = tables.session
    done = connection.execute(
        delete(table).where(table.c.hash == session_hash, table.c.user_id == user.id)
    )
    return bool(done.rowcount)


def end_other_sessions(connection: Connection, tables: Tables, user: User, kept: str) -> int:
    """End all sessions of a user except one; how many."""
    table = tables.session
    done = connection.execute(delete(table).where(table.c.user_id == user.id, table.c.hash != kept))
    return done.rowcount


def _is_alive(row: Row[tuple[object, ...]], now: int) -> bool:
    return bool(now - row.seen_us <= IDLE_US and now - row.created_us <= ABSOLUTE_US)


def _session(row: Row[tuple[object, ...]]) -> Session:
    return Session(row.hash, row.created_us, row.seen_us, row.address, row.browser)
