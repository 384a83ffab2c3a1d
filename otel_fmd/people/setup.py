"""The first user: created from the settings, or with a set-up link that works once.

Whoever opens the link chooses the name and the password of the first admin, so that no password
stands in a log.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.audit import entry, record
from otel_fmd.people.passwords import accepted
from otel_fmd.people.secret import hash_of, new_secret
from otel_fmd.people.users import has_admin, insert_user
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables
from otel_fmd.store.times import now_us

_VALID_US = 24 * 3600 * 1_000_000
SETUP_PATH = "setup"
_SETTINGS = Actor("(settings)", Role.ADMIN)


def prepare_first_user(store: Store, username: str, password: str) -> str | None:
    """Create the first user, an admin, if there is none; without a password, a link for it.

    Returns:
        The path of the set-up link, below the dashboard's address; None if there is an admin.

    Raises:
        ConfigurationError: the given password may not be chosen.
    """
    with store.read() as connection:
        if has_admin(connection, store.tables):
            return None
    if not password:
        return new_setup_link(store)
    try:
        password_hash = accepted(username, password)
        with store.write() as connection:
            insert_user(connection, store.tables, username, password_hash, is_admin=True)
            record(connection, store.tables, entry(_SETTINGS, "user.add", username, after="admin"))
    except ConfigurationError as error:
        with store.read() as connection:
            if has_admin(connection, store.tables):
                return None  # another process was first
        raise ConfigurationError(
            f"the first user {username!r} cannot be created: {error}. Set OTEL_FMD_ADMIN_PASSWORD "
            "(or [authentication] PASSWORD of FMD's config.cfg) to another one; without it, a "
            "link is printed with which the first user is created. Or create a user: "
            "otel-fmd user add NAME --admin",
            f"The first user cannot be created: {error}. Set OTEL_FMD_ADMIN_PASSWORD, or run "
            "`otel-fmd user add`.",
        ) from None
    return None


def new_setup_link(store: Store) -> str:
    """The path of a new set-up link, which works once within a day, while there is no admin.

    Raises:
        ConfigurationError: there is an admin.
    """
    link, secret, now = store.tables.setup_link, new_secret(), now_us()
    with store.write() as connection:
        if has_admin(connection, store.tables):
            raise ConfigurationError(
                "there are users already: an admin adds more, or otel-fmd user add NAME --admin"
            )
        connection.execute(delete(link).where(link.c.expires_us < now))
        connection.execute(insert(link).values(hash=hash_of(secret), expires_us=now + _VALID_US))
    return f"{SETUP_PATH}/{secret}"


def is_setup_link(store: Store, secret: str) -> bool:
    """Whether a link with this secret can be used now."""
    with store.read() as connection:
        return _is_valid(connection, store.tables, secret)


def use_setup_link(
    connection: Connection, tables: Tables, secret: str, username: str, password_hash: str
) -> None:
    """Create the first admin; no set-up link works afterwards.

    Raises:
        ConfigurationError: the link was used, has expired or was never given out; or the name
            cannot be used.
    """
    if not _is_valid(connection, tables, secret):
        raise ConfigurationError("this set-up link was used or has expired")
    insert_user(connection, tables, username, password_hash, is_admin=True)
    connection.execute(delete(tables.setup_link))


def _is_valid(connection: Connection, tables: Tables, secret: str) -> bool:
    link = tables.setup_link
    expires = connection.execute(
        select(link.c.expires_us).where(link.c.hash == hash_of(secret))
    ).scalar()
    return expires is not None and expires > now_us() and not has_admin(connection, tables)
