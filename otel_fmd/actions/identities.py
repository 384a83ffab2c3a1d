"""What a login with an OpenID Connect provider changes: a new user, a role, an end of sessions.

The provider decides, at each login; the audit names it in brackets.
"""

from __future__ import annotations

from otel_fmd.actions.users import revoked_words
from otel_fmd.errors import ConfigurationError, NotAllowedError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.change import changing
from otel_fmd.people.identities import Identity, insert_identity, user_of
from otel_fmd.people.sessions import end_other_sessions, sessions_of
from otel_fmd.people.tokens import revoke_tokens_of
from otel_fmd.people.users import User, update_role
from otel_fmd.store.store import Store

_WHAT = "log in"
_TRIES = 3


def admit(
    store: Store, by: str, identity: Identity, name: str, role: Role, address: str = ""
) -> User:
    """The user of an identity, with the role that the provider gives them now.

    At the first login the user is added. Another role ends their older sessions; who is no admin
    any more also loses the tokens that they created, except those that only send telemetry.

    Args:
        store: the database.
        by: the provider's name.
        identity: who they are there.
        name: how they are called there.
        role: what they may do here.
        address: of the browser.
    """
    for number in range(_TRIES):
        found = _found(store, identity)
        if found is not None:
            return _with_role(store, by, identity, found, role, address)
        try:
            actor = _provider(by, address)
            with changing(actor, store, Role.NOBODY, _WHAT, "user.add") as change:
                is_admin = role is Role.ADMIN
                user = insert_identity(
                    change.connection, change.tables, identity, name, by, is_admin
                )
                change.target, change.after = user.username, role.name.lower()
            return user
        except ConfigurationError:
            # Another process was faster, with this person or with their name.
            if number == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


def shut_out(store: Store, by: str, identity: Identity, address: str = "") -> None:
    """Somebody is not let in any more: their sessions end, and so do role and tokens of an admin.

    Args:
        store: the database.
        by: the provider's name.
        identity: who they are there; without a user here nothing changes.
        address: of the browser.
    """
    found = _found(store, identity)
    if found is not None:
        _with_role(store, by, identity, found, Role.GUEST, address)
        end_sessions(store, by, identity, address)


def end_sessions(store: Store, by: str, identity: Identity, address: str = "") -> int:
    """End all sessions of somebody, as their provider wants it; how many there were."""
    with store.read() as connection:
        found = user_of(connection, store.tables, identity)
        if found is None or not sessions_of(connection, store.tables, found):
            return 0
    actor = _provider(by, address)
    with changing(actor, store, Role.NOBODY, _WHAT, "session.end", found.username) as change:
        ended = end_other_sessions(change.connection, change.tables, found, "")
        change.before = f"{ended} sessions"
    return ended


def _found(store: Store, identity: Identity) -> User | None:
    with store.read() as connection:
        return user_of(connection, store.tables, identity)


def _with_role(
    store: Store, by: str, identity: Identity, found: User, role: Role, address: str
) -> User:
    if found.role is role:
        return found
    actor = _provider(by, address)
    with changing(actor, store, Role.NOBODY, _WHAT, "user.role", found.username) as change:
        update_role(change.connection, change.tables, found, role is Role.ADMIN, by_provider=True)
        change.before, change.after = found.role.name.lower(), role.name.lower()
        if role is not Role.ADMIN:
            names = revoke_tokens_of(change.connection, change.tables, found.username)
            change.after += revoked_words(names)
        user = user_of(change.connection, change.tables, identity)
        if user is None:
            raise NotAllowedError(f"{found.username!r} was removed", "This user was removed.")
    return user


def _provider(by: str, address: str) -> Actor:
    return Actor(f"({by})", Role.NOBODY, address)
