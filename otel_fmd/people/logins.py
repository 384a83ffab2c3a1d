"""Logging in: a password is compared within the limits on failures, one at a time.

The limits are asked for in the same turn, so that attempts at once do not pass them, and people who
know their password do not stop each other.
"""

from __future__ import annotations

from otel_fmd.errors import TooManyAttemptsError
from otel_fmd.people.attempts import LoginAttempts
from otel_fmd.people.passwords import one_at_a_time
from otel_fmd.people.users import User, verify
from otel_fmd.store.store import Store


def log_in(
    store: Store, username: str, password: str, address: str, browser: str = ""
) -> User | None:
    """The user, if the password is right.

    Args:
        store: the database.
        username: the name that was typed.
        password: what was typed with it.
        address: of the client.
        browser: the secret in its cookie of an earlier login; '' without one.

    Raises:
        TooManyAttemptsError: this attempt has to wait; nothing was compared.
    """
    attempts = LoginAttempts(store)
    _check(attempts, username, address, browser)
    with one_at_a_time():
        _check(attempts, username, address, browser)
        user = verify(store, username, password)
        if user is None:
            attempts.failed(username, address, browser)
        else:
            attempts.forgive(username, address)
    return user


def _check(attempts: LoginAttempts, username: str, address: str, browser: str) -> None:
    wait_s = attempts.wait_s(username, address, browser)
    if wait_s:
        raise TooManyAttemptsError(wait_s)
