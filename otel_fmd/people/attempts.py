"""Limits on failed logins, shared by every process through the database.

* A name from one address: five failures in five minutes.
* An address (for IPv6 its /64): a hundred in a quarter of an hour. Behind a proxy that is not
  trusted everybody has the same one.
* A name from anywhere: after ten failures each further attempt waits longer, up to a minute. So a
  password cannot be guessed from many addresses, and nobody is locked out for long.

None of them applies to a browser in which this user has logged in before: it holds a cookie that
allows five failures of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.people.secret import hash_of, new_secret
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_SECOND_US = 1_000_000
_FORGOTTEN_AFTER_US = 3600 * _SECOND_US
_MOST_ROWS = 10_000
_MOST_OF_BROWSER = 5
_BROWSERS_KEPT_US = 90 * 24 * 3600 * _SECOND_US


class _Window(NamedTuple):
    """At most so many failures from the first on, within some time."""

    most: int
    length_us: int

    def wait_us(self, count: int, first_us: int, _last_us: int, now: int) -> int:
        return first_us + self.length_us - now if count >= self.most else 0


class _Delay(NamedTuple):
    """After some failures, a delay after each that doubles up to a limit."""

    free: int
    longest_us: int

    def wait_us(self, count: int, _first_us: int, last_us: int, now: int) -> int:
        if count < self.free:
            return 0
        delay = min(_SECOND_US << min(count - self.free, 30), self.longest_us)
        return last_us + delay - now


class _Limit(NamedTuple):
    """What is counted, under which key, and how long an attempt has to wait."""

    key: str
    rule: _Window | _Delay


_PAIR = _Window(5, 300 * _SECOND_US)
_NETWORK = _Window(100, 900 * _SECOND_US)
_NAME = _Delay(10, 60 * _SECOND_US)


class LoginAttempts:
    """The failed logins in a database.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._failure = store.tables.login_failure
        self._browser = store.tables.known_browser

    def wait_s(self, username: str, address: str, browser: str = "") -> int:
        """How long an attempt has to wait, in seconds; 0 if it may be made.

        Args:
            username: the name that was typed.
            address: of the client.
            browser: the secret in its cookie of an earlier login; '' without one.
        """
        now, limits = now_us(), _limits(username, address)
        with self._store.read() as connection:
            if self._is_known(connection, username, browser):
                return 0
            wait = self._wait_us(connection, limits, now)
        return -(-wait // _SECOND_US)

    def failed(self, username: str, address: str, browser: str = "") -> None:
        """Count an attempt whose password was wrong."""
        now, known = now_us(), self._browser
        with self._store.write() as connection:
            if self._is_known(connection, username, browser):
                mine = update(known).where(known.c.hash == hash_of(browser))
                connection.execute(mine.values(failures=known.c.failures + 1))
                return
            for limit in _limits(username, address):
                _count(connection, self._failure, limit, now)
            self._evict(connection, now)

    def forgive(self, username: str, address: str) -> None:
        """Forget the failures of a user whose password was right; not those of others there."""
        pair, _, name = _limits(username, address)
        failure, mine = self._failure, [pair.key, name.key]
        with self._store.read() as connection:
            known = connection.execute(select(failure.c.hash).where(failure.c.hash.in_(mine)))
            if known.first() is None:
                return
        with self._store.write() as connection:
            connection.execute(delete(failure).where(failure.c.hash.in_(mine)))

    def recognise(self, username: str, browser: str) -> str:
        """Recognise a browser from now on; the secret for its cookie, in place of its last one."""
        now, secret, known = now_us(), new_secret(), self._browser
        with self._store.write() as connection:
            old = known.c.used_us < now - _BROWSERS_KEPT_US
            connection.execute(delete(known).where(old | (known.c.hash == hash_of(browser))))
            values = {"hash": hash_of(secret), "username": username, "used_us": now, "failures": 0}
            connection.execute(insert(known).values(values))
        return secret

    def _is_known(self, connection: Connection, username: str, browser: str) -> bool:
        """Whether this user has logged in with this browser, and not failed too often since."""
        known = self._browser.c
        if not browser:
            return False
        mine = select(known.hash).where(
            known.hash == hash_of(browser),
            known.username == username,
            known.failures < _MOST_OF_BROWSER,
        )
        return connection.execute(mine).first() is not None

    def _wait_us(self, connection: Connection, limits: Sequence[_Limit], now: int) -> int:
        table = self._failure
        keys = [limit.key for limit in limits]
        rows = {
            row.hash: row for row in connection.execute(select(table).where(table.c.hash.in_(keys)))
        }
        waits = [0]
        for limit in limits:
            row = rows.get(limit.key)
            if row is not None and not _is_over(limit, row.first_us, row.last_us, now):
                waits.append(limit.rule.wait_us(row.failures, row.first_us, row.last_us, now))
        return max(waits)

    def _evict(self, connection: Connection, now: int) -> None:
        """Remove what no longer counts, and what is oldest above the limit."""
        table = self._failure
        connection.execute(delete(table).where(table.c.last_us < now - _FORGOTTEN_AFTER_US))
        extra = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if extra > _MOST_ROWS:
            oldest = select(table.c.hash).order_by(table.c.last_us).limit(extra - _MOST_ROWS)
            hashes = list(connection.execute(oldest).scalars())
            connection.execute(delete(table).where(table.c.hash.in_(hashes)))


def _limits(username: str, address: str) -> tuple[_Limit, _Limit, _Limit]:
    network = _network(address)
    return (
        _Limit(hash_of("pair", username, network), _PAIR),
        _Limit(hash_of("network", network), _NETWORK),
        _Limit(hash_of("name", username), _NAME),
    )


def _count(connection: Connection, table: Table, limit: _Limit, now: int) -> None:
    """One failure more; a window that is over begins again."""
    length = limit.rule.length_us if isinstance(limit.rule, _Window) else _FORGOTTEN_AFTER_US
    since = table.c.first_us if isinstance(limit.rule, _Window) else table.c.last_us
    mine = table.c.hash == limit.key
    connection.execute(delete(table).where(mine, since < now - length))
    more = update(table).where(mine).values(failures=table.c.failures + 1, last_us=now)
    if connection.execute(more).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(
                insert(table).values(hash=limit.key, failures=1, first_us=now, last_us=now)
            )
    except IntegrityError:
        connection.execute(more)  # another process was first


def _is_over(limit: _Limit, first_us: int, last_us: int, now: int) -> bool:
    if isinstance(limit.rule, _Window):
        return first_us < now - limit.rule.length_us
    return last_us < now - _FORGOTTEN_AFTER_US


def _network(address: str) -> str:
    """What one attacker has: an IPv4 address, or the 2**64 addresses of an IPv6 network."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ip_network((found, 64), strict=False))
    return str(found)
