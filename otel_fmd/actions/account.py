"""What users do about themselves: set-up, password, sessions."""

from __future__ import annotations

from otel_fmd.errors import ConfigurationError, NotAllowedError, NotFoundError
from otel_fmd.people import passwords
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.change import changing
from otel_fmd.people.logins import log_in
from otel_fmd.people.sessions import end_other_sessions, end_session
from otel_fmd.people.setup import use_setup_link
from otel_fmd.people.users import User, find_user, get_user, update_password
from otel_fmd.store.store import Store

_WHAT = "change their own account"


def set_up(store: Store, secret: str, username: str, password: str, address: str) -> User:
    """Create the first admin with a set-up link.

    Raises:
        ConfigurationError: the link was used or has expired, or the name or the password cannot be
            used.
    """
    password_hash = passwords.accepted(username, password)
    actor = Actor("(set-up link)", Role.NOBODY, address)
    with changing(actor, store, Role.NOBODY, "set up", "user.add", username) as change:
        use_setup_link(change.connection, change.tables, secret, username, password_hash)
        change.after = "admin"
        return get_user(change.connection, change.tables, username)


def change_own_password(
    actor: Actor, store: Store, current: str, password: str, *, passwords_on: bool
) -> None:
    """Change the actor's password, which ends all of their sessions.

    Args:
        actor: who is acting.
        store: the database.
        current: the password until now.
        password: the new one.
        passwords_on: the setting `password_login`.

    Raises:
        NotAllowedError: nobody is logged in.
        TooManyAttemptsError: the current password was wrong too often.
        ConfigurationError: it is wrong, the new one may not be chosen, they log in elsewhere, or
            passwords are switched off.
    """
    require(actor, Role.GUEST, _WHAT)
    passwords.require_switched_on(passwords_on)
    with store.read() as connection:
        user = find_user(connection, store.tables, actor.name)
    if user is not None and not user.has_password:
        raise ConfigurationError(passwords.ELSEWHERE)
    if log_in(store, actor.name, current, actor.address) is None:
        raise ConfigurationError("the current password is wrong")
    password_hash = passwords.accepted(actor.name, password)
    with changing(actor, store, Role.GUEST, _WHAT, "user.password", actor.name) as change:
        user = get_user(change.connection, change.tables, actor.name)
        update_password(change.connection, change.tables, user, password_hash)


def end_own_session(actor: Actor, store: Store, session_hash: str) -> None:
    """End one session of the actor.

    Raises:
        NotAllowedError: nobody is logged in.
        NotFoundError: it is not one of theirs, or has ended.
    """
    with changing(actor, store, Role.GUEST, _WHAT, "session.end", actor.name) as change:
        user = find_user(change.connection, change.tables, actor.name)
        if user is None:
            words = f"{actor.name!r} is no user, and has no sessions."
            raise NotAllowedError(words, words)
        if not end_session(change.connection, change.tables, user, session_hash):
            raise NotFoundError("this session has ended already")
        change.before = session_hash[:8]


def end_own_other_sessions(actor: Actor, store: Store) -> int:
    """End every session of the actor except the one in which they act; how many.

    Raises:
        NotAllowedError: nobody is logged in.
    """
    with changing(actor, store, Role.GUEST, _WHAT, "session.end", actor.name) as change:
        user = get_user(change.connection, change.tables, actor.name)
        ended = end_other_sessions(change.connection, change.tables, user, actor.session)
        change.before = f"{ended} sessions"
        return ended
