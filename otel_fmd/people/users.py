"""FMD's users: who may look (guests) and who may change (admins)."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.errors import ConfigurationError, ConflictError, NotFoundError
from otel_fmd.people import passwords
from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.secret import hash_of
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables

NAME_WIDTH = 250


class User(NamedTuple):
    """A user of the dashboard.

    Args:
        id: may be used again once the user was removed, so it identifies nobody for long.
        username: unique.
        is_admin: whether they may change everything.
        stamp: changes with the name, the password and the role; sessions end with it.
        has_password: whether they log in with a password; others do with an identity elsewhere.
    """

    id: int
    username: str
    is_admin: bool
    stamp: str = ""
    has_password: bool = True

    @property
    def role(self) -> Role:
        """Their role."""
        return Role.ADMIN if self.is_admin else Role.GUEST

    def actor(self, address: str = "", session: str = "") -> Actor:
        """The same, acting from an address, in a session with this hash."""
        return Actor(self.username, self.role, address, session, self.has_password)


def all_users(connection: Connection, tables: Tables) -> list[User]:
    """Every user, by name."""
    rows = connection.execute(select(tables.user))
    return sorted((_user(row) for row in rows), key=lambda one: one.username)


def find_user(connection: Connection, tables: Tables, username: str) -> User | None:
    """The user with this name."""
    row = connection.execute(select(tables.user).where(tables.user.c.username == username)).first()
    return None if row is None else _user(row)


def user_of_id(connection: Connection, tables: Tables, user_id: int) -> User | None:
    """The user with this id."""
    row = connection.execute(select(tables.user).where(tables.user.c.id == user_id)).first()
    return None if row is None else _user(row)


def get_user(connection: Connection, tables: Tables, username: str) -> User:
    """The user with this name.

    Raises:
        ConfigurationError: there is none.
    """
    found = find_user(connection, tables, username)
    if found is None:
        raise NotFoundError(f"there is no user {username[:NAME_WIDTH]!r}")
    return found


def has_admin(connection: Connection, tables: Tables) -> bool:
    """Whether there is anybody who can add users; guests may come from a provider before."""
    return any(one.is_admin for one in all_users(connection, tables))


def verify(store: Store, username: str, password: str) -> User | None:
    """The user, if the password is right; takes as long when there is no such user.

    A hash of one of FMD's older methods is renewed.
    """
    user = store.tables.user
    with store.read() as connection:
        row = connection.execute(select(user).where(user.c.username == username)).first()
    if not passwords.is_right(None if row is None else row.password_hash, password):
        return None
    assert row is not None
    if not passwords.is_outdated(row.password_hash):
        return _user(row)
    renewed = passwords.hashed(password)
    with store.write() as connection:
        unchanged = (user.c.id == row.id, user.c.password_hash == row.password_hash)
        connection.execute(update(user).where(*unchanged).values(password_hash=renewed))
        return find_user(connection, store.tables, username)


def insert_user(
    connection: Connection, tables: Tables, username: str, password_hash: str, *, is_admin: bool
) -> None:
    """Add a user; `passwords.accepted` gives the hash.

    Raises:
        ConfigurationError: the name is taken, empty, too long or not printable.
    """
    if not 0 < len(username) <= NAME_WIDTH or not username.isprintable():
        raise ConfigurationError(
            f"user name {username[:50]!r}: expected 1 to {NAME_WIDTH} printable characters"
        )
    values = {"username": username, "password_hash": password_hash, "is_admin": is_admin}
    try:
        with connection.begin_nested():
            connection.execute(insert(tables.user).values(**values))
    except IntegrityError:
        raise ConflictError(f"user {username!r} exists already") from None


def update_password(connection: Connection, tables: Tables, user: User, password_hash: str) -> None:
    """Change a password, which ends the user's sessions; `passwords.accepted` gives the hash.

    Raises:
        ConfigurationError: the user has none.
    """
    if not user.has_password:
        raise ConfigurationError(
            f"{user.username!r} has no password here: they log in with an OpenID Connect provider"
        )
    _update(connection, tables, user, password_hash=password_hash)


def update_role(
    connection: Connection, tables: Tables, user: User, is_admin: bool, *, by_provider: bool = False
) -> None:
    """Make a user an admin or a guest, which ends their sessions.

    Args:
        connection: of a transaction.
        tables: of the database.
        user: whose role it is.
        is_admin: the new role.
        by_provider: what a provider says of its people is done even to the last admin.

    Raises:
        ConfigurationError: it is the last admin.
    """
    if not is_admin and not by_provider:
        _keep_an_admin(connection, tables, user)
    _update(connection, tables, user, is_admin=is_admin)


def delete_user(connection: Connection, tables: Tables, user: User) -> None:
    """Remove a user, with their sessions and their identity elsewhere.

    Raises:
        ConfigurationError: it is the last admin.
    """
    _keep_an_admin(connection, tables, user)
    connection.execute(delete(tables.identity).where(tables.identity.c.user_id == user.id))
    connection.execute(delete(tables.session).where(tables.session.c.user_id == user.id))
    connection.execute(delete(tables.user).where(tables.user.c.id == user.id))


def _update(connection: Connection, tables: Tables, user: User, **values: object) -> None:
    connection.execute(delete(tables.session).where(tables.session.c.user_id == user.id))
    connection.execute(update(tables.user).where(tables.user.c.id == user.id).values(**values))


def _keep_an_admin(connection: Connection, tables: Tables, user: User) -> None:
    admins = [one.username for one in all_users(connection, tables) if one.is_admin]
    if admins == [user.username]:
        raise ConflictError(f"{user.username!r} is the last admin; add another one first")


def _user(row: Row[tuple[object, ...]]) -> User:
    is_admin = bool(row.is_admin)
    stamp = hash_of("session", row.username, row.password_hash, str(is_admin))
    return User(row.id, row.username, is_admin, stamp, passwords.is_usable(row.password_hash))
