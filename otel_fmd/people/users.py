"""FMD's users: who may look (guests) and who may change (admins)."""

from __future__ import annotations

import secrets
from functools import cache
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables

_NAME_WIDTH = 250
_LEAST_PASSWORD = 8
_SESSION_KEY = "session_key"


_hashing = Lock()
"""One at a time: each takes 32 MiB."""
_PATIENCE_S = 10.0


@cache
def _of_nobody() -> str:
    """A hash that costs as much as a user's."""
    from werkzeug.security import generate_password_hash

    return generate_password_hash(secrets.token_hex())


def _is_right(password_hash: str, password: str) -> bool:
    from werkzeug.security import check_password_hash

    # In a process forked meanwhile, the lock is never released: so the wait is bounded.
    has_turn = _hashing.acquire(timeout=_PATIENCE_S)
    try:
        return check_password_hash(password_hash, password)
    finally:
        if has_turn:
            _hashing.release()


class User(NamedTuple):
    """A user of the dashboard."""

    id: int
    username: str
    is_admin: bool

    @property
    def actor(self) -> Actor:
        """The same with a role."""
        return Actor(self.username, Role.ADMIN if self.is_admin else Role.GUEST)


def all_users(connection: Connection, tables: Tables) -> list[User]:
    """Every user, by name."""
    user = tables.user.c
    rows = connection.execute(select(user.id, user.username, user.is_admin))
    return sorted(
        (User(row.id, row.username, bool(row.is_admin)) for row in rows),
        key=lambda one: one.username,
    )


class Users:
    """The users of one database; passwords are hashed with werkzeug's scrypt."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.tables.user

    def all(self) -> list[User]:
        """Every user, by name."""
        with self._store.read() as connection:
            return all_users(connection, self._store.tables)

    def find(self, user_id: int) -> User | None:
        """The user with this id."""
        return next((one for one in self.all() if one.id == user_id), None)

    def verify(self, username: str, password: str) -> User | None:
        """The user, when the password is right; takes as long when there is no such user."""
        user = self._table.c
        with self._store.read() as connection:
            row = connection.execute(
                select(user.id, user.username, user.is_admin, user.password_hash).where(
                    user.username == username
                )
            ).first()
        is_right = _is_right(_of_nobody() if row is None else row.password_hash, password)
        if row is None or not is_right:
            return None
        return User(row.id, row.username, bool(row.is_admin))

    def add(self, username: str, password: str, *, is_admin: bool) -> None:
        """Add a user.

        Raises:
            ConfigurationError: the name is taken, empty or too long, or the password too short.
        """
        if not 0 < len(username) <= _NAME_WIDTH:
            raise ConfigurationError(
                f"user name {username[:50]!r}: expected 1 to {_NAME_WIDTH} characters"
            )
        try:
            with self._store.write() as connection:
                connection.execute(
                    insert(self._table).values(
                        username=username, password_hash=_hash(password), is_admin=is_admin
                    )
                )
        except IntegrityError:
            raise ConfigurationError(f"user {username!r} exists already") from None

    def set_password(self, username: str, password: str) -> None:
        """Change a password.

        Raises:
            ConfigurationError: no such user, or the password is too short.
        """
        self._change(username, password_hash=_hash(password))

    def set_admin(self, username: str, is_admin: bool) -> None:
        """Make a user an admin or a guest; the last admin cannot be demoted.

        Raises:
            ConfigurationError: no such user, or it is the last admin.
        """
        if not is_admin:
            self._keep_an_admin(username)
        self._change(username, is_admin=is_admin)

    def remove(self, username: str) -> None:
        """Remove a user; the last admin cannot be removed.

        Raises:
            ConfigurationError: no such user, or it is the last admin.
        """
        self._keep_an_admin(username)
        with self._store.write() as connection:
            result = connection.execute(
                delete(self._table).where(self._table.c.username == username)
            )
        if not result.rowcount:
            raise ConfigurationError(f"there is no user {username!r}")

    def ensure_admin(self, username: str, password: str) -> str | None:
        """Create the first user, an admin, if there are none; returns a generated password.

        Raises:
            ConfigurationError: the given password is too short.
        """
        with self._store.read() as connection:
            if connection.execute(select(func.count()).select_from(self._table)).scalar():
                return None
        if password and len(password) < _LEAST_PASSWORD:
            raise ConfigurationError(
                f"the first user {username!r} cannot be created: its password has {len(password)} "
                f"characters, expected at least {_LEAST_PASSWORD}. Set OTEL_FMD_ADMIN_PASSWORD (or "
                "[authentication] PASSWORD of FMD's config.cfg); without it one is generated and "
                "printed once. Or create a user: otel-fmd user add NAME --admin",
                f"The first user cannot be created: its password is shorter than {_LEAST_PASSWORD} "
                "characters. Set OTEL_FMD_ADMIN_PASSWORD, or run `otel-fmd user add`.",
            )
        made = password or secrets.token_urlsafe(12)
        try:
            self.add(username, made, is_admin=True)
        except ConfigurationError:
            if self.all():
                return None  # another process was first
            raise
        return None if password else made

    def session_key(self) -> str:
        """The secret that signs sessions, generated once and shared by every process."""
        setting = self._store.tables.setting
        query = select(setting.c.value).where(setting.c.name == _SESSION_KEY)
        with self._store.read() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            try:
                with self._store.write() as connection:
                    made = secrets.token_hex(32)
                    connection.execute(insert(setting).values(name=_SESSION_KEY, value=made))
            except IntegrityError:
                pass  # another process was first
            with self._store.read() as connection:
                found = connection.execute(query).scalar_one()
        return str(found)

    def _change(self, username: str, **values: object) -> None:
        with self._store.write() as connection:
            known = connection.execute(
                select(self._table.c.id).where(self._table.c.username == username)
            ).first()
            if known is None:
                raise ConfigurationError(f"there is no user {username!r}")
            connection.execute(
                update(self._table).where(self._table.c.id == known.id).values(**values)
            )

    def _keep_an_admin(self, username: str) -> None:
        admins = [user.username for user in self.all() if user.is_admin]
        if admins == [username]:
            raise ConfigurationError(f"{username!r} is the last admin; add another one first")


def _hash(password: str) -> str:
    from werkzeug.security import generate_password_hash

    if len(password) < _LEAST_PASSWORD:
        raise ConfigurationError(f"a password needs at least {_LEAST_PASSWORD} characters")
    return generate_password_hash(password)
