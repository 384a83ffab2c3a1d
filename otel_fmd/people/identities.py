"""Identities elsewhere: who somebody is for an OpenID Connect provider, and which user that is.

An identity is what the provider never changes and never gives to another person: its issuer, and
the subject there. Names and e-mail addresses are neither. Its user has no password; the place of
its hash ties them to this identity alone. So neither a user of the same name, nor one who was
given the id of a removed one by another program, is ever taken for its user.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.passwords import unusable
from otel_fmd.people.secret import hash_of
from otel_fmd.people.users import NAME_WIDTH, User, find_user, get_user, insert_user, user_of_id
from otel_fmd.store.tables import Tables
from otel_fmd.store.times import now_us

SUBJECT_WIDTH = 500


class Identity(NamedTuple):
    """Somebody at a provider.

    Args:
        issuer: the provider's URL.
        subject: its id of them, which is no other's.
    """

    issuer: str
    subject: str

    @property
    def hash(self) -> str:
        """By which the identity is found."""
        return hash_of("identity", self.issuer, self.subject)


def user_of(connection: Connection, tables: Tables, identity: Identity) -> User | None:
    """The user with this identity; None before the first login, and after they were removed."""
    table = tables.identity
    user_id = connection.execute(
        select(table.c.user_id).where(table.c.hash == identity.hash)
    ).scalar()
    if user_id is None:
        return None
    password_hash = connection.execute(
        select(tables.user.c.password_hash).where(tables.user.c.id == user_id)
    ).scalar()
    if password_hash != unusable(identity.hash):
        return None
    return user_of_id(connection, tables, user_id)


def identity_of(connection: Connection, tables: Tables, user: User) -> Identity | None:
    """The identity of a user; None for one with a password."""
    table = tables.identity
    row = connection.execute(select(table).where(table.c.user_id == user.id)).first()
    if row is None or user.has_password:
        return None
    return Identity(row.issuer, row.subject)


def insert_identity(
    connection: Connection, tables: Tables, identity: Identity, name: str, by: str, is_admin: bool
) -> User:
    """Add the user of an identity: `name@by`, or with a number if somebody has that name.

    Args:
        connection: of a transaction.
        tables: of the database.
        identity: who they are.
        name: how the provider calls them.
        by: the provider's name.
        is_admin: their role.

    Raises:
        ConfigurationError: another process added them, or took the name, at the same moment; try
            again.
    """
    if user_of(connection, tables, identity) is not None:
        raise ConfigurationError(f"{name!r} exists already")
    username = _free_name(connection, tables, name, by)
    # Another process may have added them before their name was found to be taken.
    if user_of(connection, tables, identity) is not None:
        raise ConfigurationError(f"{name!r} exists already")
    insert_user(connection, tables, username, unusable(identity.hash), is_admin=is_admin)
    user, table = get_user(connection, tables, username), tables.identity
    # What another program left of a user whom it removed.
    stale = (table.c.hash == identity.hash) | (table.c.user_id == user.id)
    connection.execute(delete(table).where(stale))
    values = {
        "hash": identity.hash,
        "user_id": user.id,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "created_us": now_us(),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(values))
    except IntegrityError:
        raise ConfigurationError(f"{username!r} exists already") from None
    return user


def _free_name(connection: Connection, tables: Tables, name: str, by: str) -> str:
    plain = "".join(one for one in name if one.isprintable()).strip()
    number = 1
    while True:
        end = f"@{by}" if number == 1 else f"-{number}@{by}"
        username = plain[: NAME_WIDTH - len(end)] + end
        if find_user(connection, tables, username) is None:
            return username
        number += 1
