"""Users of the dashboard: adding, changing and removing them."""

from __future__ import annotations

from otel_fmd.errors import ConfigurationError
from otel_fmd.people import passwords
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.change import changing
from otel_fmd.people.tokens import revoke_tokens_of
from otel_fmd.people.users import (
    User,
    delete_user,
    get_user,
    insert_user,
    update_password,
    update_role,
    user_of_id,
    verify,
)
from otel_fmd.store.store import Store

_WHAT = "change users"


def add_user(
    actor: Actor, store: Store, username: str, password: str, role: Role, *, passwords_on: bool
) -> None:
    """Add a user.

    Args:
        actor: who is acting.
        store: the database.
        username: unique.
        password: for the first login.
        role: what they may do.
        passwords_on: the setting `password_login`.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: the name is taken, empty or too long, the password may not be chosen, or
            passwords are switched off.
    """
    require(actor, Role.ADMIN, _WHAT)
    passwords.require_switched_on(passwords_on)
    password_hash = passwords.accepted(username, password)
    with changing(actor, store, Role.ADMIN, _WHAT, "user.add", username) as change:
        is_admin = role is Role.ADMIN
        insert_user(change.connection, change.tables, username, password_hash, is_admin=is_admin)
        change.after = role.name.lower()


def set_password(
    actor: Actor, store: Store, username: str, password: str, *, passwords_on: bool
) -> None:
    """Change a password, which ends the user's sessions.

    Args:
        actor: who is acting.
        store: the database.
        username: whose.
        password: the new one.
        passwords_on: the setting `password_login`.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, the password may not be chosen, or passwords are switched
            off.
    """
    require(actor, Role.ADMIN, _WHAT)
    passwords.require_switched_on(passwords_on)
    password_hash = passwords.accepted(username, password)
    with changing(actor, store, Role.ADMIN, _WHAT, "user.password", username) as change:
        user = get_user(change.connection, change.tables, username)
        update_password(change.connection, change.tables, user, password_hash)


def set_role(actor: Actor, store: Store, username: str, role: Role) -> None:
    """Change a role, which ends the user's sessions; the last admin stays one.

    Somebody who is no admin any more also loses the tokens that they created, except those that
    only send telemetry.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, or it is the last admin.
    """
    with changing(actor, store, Role.ADMIN, _WHAT, "user.role", username) as change:
        user = get_user(change.connection, change.tables, username)
        update_role(change.connection, change.tables, user, role is Role.ADMIN)
        change.before, change.after = user.role.name.lower(), role.name.lower()
        if role is not Role.ADMIN:
            change.after += revoked_words(
                revoke_tokens_of(change.connection, change.tables, username)
            )


def change_user(
    actor: Actor,
    store: Store,
    username: str,
    role: Role | None,
    password: str | None,
    *,
    passwords_on: bool,
) -> None:
    """Change the role, the password or both; nothing, if the password may not be chosen.

    Args:
        actor: who is acting.
        store: the database.
        username: whose.
        role: what they may do from now on; None leaves it.
        password: the new one; None leaves it.
        passwords_on: the setting `password_login`.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: as `set_role` and `set_password`.
    """
    require(actor, Role.ADMIN, _WHAT)
    if password is not None:
        passwords.require_switched_on(passwords_on)
        passwords.check_password(username, password)
    if role is not None:
        set_role(actor, store, username, role)
    if password is not None:
        set_password(actor, store, username, password, passwords_on=passwords_on)


def edit_user(
    actor: Actor,
    store: Store,
    user_id: int,
    role: Role,
    change: tuple[str, str] | None = None,
    *,
    passwords_on: bool,
) -> None:
    """Change a user as FMD does: by id, the role and, who knows the old one, the password.

    Args:
        actor: who is acting.
        store: the database.
        user_id: whose.
        role: what they may do from now on.
        change: the old and the new password; None leaves it.
        passwords_on: the setting `password_login`.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, the actor's own role, the last admin, the old password is
            wrong, the new one may not be chosen, or passwords are switched off.
    """
    require(actor, Role.ADMIN, _WHAT)
    user = _user_of(store, user_id)
    if user.username == actor.name and role is not Role.ADMIN:
        raise ConfigurationError("Cannot remove the admin permissions from itself.")
    if change is not None:
        passwords.require_switched_on(passwords_on)
        if verify(store, user.username, change[0]) is None:
            raise ConfigurationError("Old password doesn't match.")
    new_role = None if role is user.role else role
    new_password = None if change is None else change[1]
    change_user(actor, store, user.username, new_role, new_password, passwords_on=passwords_on)


def remove_user_of_id(actor: Actor, store: Store, user_id: int) -> None:
    """Remove a user by id, see `remove_user`.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, the actor, or the last admin.
    """
    require(actor, Role.ADMIN, _WHAT)
    user = _user_of(store, user_id)
    if user.username == actor.name:
        raise ConfigurationError("Cannot delete itself.")
    remove_user(actor, store, user.username)


def _user_of(store: Store, user_id: int) -> User:
    with store.read() as connection:
        found = user_of_id(connection, store.tables, user_id)
    if found is None:
        raise ConfigurationError("User ID doesn't exist.")
    return found


def remove_user(actor: Actor, store: Store, username: str) -> None:
    """Remove a user, their sessions, and their tokens except those that only send telemetry.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, the actor, or the last admin.
    """
    with changing(actor, store, Role.ADMIN, _WHAT, "user.remove", username) as change:
        if username == actor.name:
            raise ConfigurationError("You cannot remove yourself.")
        user = get_user(change.connection, change.tables, username)
        delete_user(change.connection, change.tables, user)
        change.before = user.role.name.lower()
        change.after = revoked_words(revoke_tokens_of(change.connection, change.tables, username))


def revoked_words(names: list[str]) -> str:
    """For the audit: the API tokens that were revoked with a change, by name; '' for none."""
    return f" (tokens revoked: {', '.join(names)})" if names else ""
