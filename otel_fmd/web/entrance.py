"""Who comes in: passwords are compared here, within the limits on failures, and sessions start."""

from __future__ import annotations

import logging
from typing import NamedTuple

from flask import request
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from otel_fmd.errors import OtelFmdError, TooManyAttemptsError
from otel_fmd.log_limit import LogLimit
from otel_fmd.people.actor import NOBODY, Actor
from otel_fmd.people.attempts import LoginAttempts
from otel_fmd.people.audit import entry, note
from otel_fmd.people.logins import log_in
from otel_fmd.people.passwords import MOST_LENGTH, SWITCHED_OFF
from otel_fmd.people.sessions import LoggedIn, Sessions
from otel_fmd.people.users import NAME_WIDTH, User, find_user
from otel_fmd.store.store import Store
from otel_fmd.web.cookies import BROWSER, SESSION, cookie, set_cookie
from otel_fmd.web.security import address

_log = logging.getLogger(__name__)
_LOCKOUTS_EVERY_S = 10.0


class Refusal(NamedTuple):
    """Why a login was refused, the status of the response, and seconds to wait."""

    error: str
    status: int
    wait_s: int = 0


class Verified(NamedTuple):
    """A user whose password was right, and the secret by which their browser is recognised."""

    user: User
    browser: str


class Entrance:
    """Lets users in and out.

    Args:
        store: the database.
        sessions: the sessions in it.
        passwords: whether people log in with passwords.
    """

    def __init__(self, store: Store, sessions: Sessions, *, passwords: bool = True) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._attempts = LoginAttempts(store)
        self._lockouts = LogLimit(_LOCKOUTS_EVERY_S)
        self._refusals = LogLimit(_LOCKOUTS_EVERY_S)

    def enter(self, user: User, where: str, browser: str = "", by: str = "") -> BaseResponse:
        """The response to a login: a new session, and the way to a page.

        Args:
            user: who.
            where: the page.
            browser: by which their browser is recognised; '' if it need not be.
            by: the name of their provider; '' for a password.
        """
        response = redirect(where)
        secret = self._sessions.start(user, address(), request.user_agent.string)
        set_cookie(response, SESSION, secret)
        if browser:
            set_cookie(response, BROWSER, browser)
        note(self._store, entry(user.actor(address()), "login", user.username, after=by))
        return response

    def leave(self, login: LoggedIn | None, by: str = "") -> None:
        """End a session; the browser then has to forget its cookie.

        Args:
            login: whose; None if nobody is logged in.
            by: the name of their provider; '' for a password.
        """
        if login is not None:
            self._sessions.end(login.session)
            actor = login.user.actor(address())
            note(self._store, entry(actor, "logout", login.user.username, after=by))

    def refuse(self, by: str, who: str, why: str) -> None:
        """Audit a login with a provider that did not work; of strangers one in ten seconds.

        Args:
            by: the name of the provider.
            who: as the provider names them; '' if it did not.
            why: it did not work.
        """
        actor = Actor(NOBODY.name, NOBODY.role, address())
        target = f"{who}@{by}" if who else f"(unknown user)@{by}"
        if who or self._refusals.allows():
            note(self._store, entry(actor, "login.failed", target, after=why))

    def verified(self, field: str = "username") -> Verified | Refusal:
        """The user named in a field of this request's form, if the password is right."""
        if not self._passwords:
            return Refusal(SWITCHED_OFF, 403)
        username = request.form.get(field, "")[:NAME_WIDTH]
        password = request.form.get("password", "")[:MOST_LENGTH]
        browser = cookie(BROWSER)
        try:
            user = log_in(self._store, username, password, address(), browser)
            if user is None:
                self._note("login.failed", username)
                return Refusal("Wrong user name or password.", 401)
            return Verified(user, self._attempts.recognise(username, browser))
        except TooManyAttemptsError as error:
            if self._lockouts.allows():
                self._note("login.lockout", username, f"has to wait {error.wait_s} s")
            words = f"Too many failed logins. Try again in {_duration(error.wait_s)}."
            return Refusal(words, 429, error.wait_s)
        except OtelFmdError as error:
            _log.warning("login: %s", error)
            return Refusal(error.advice, 503)

    def _note(self, action: str, username: str, after: str = "") -> None:
        """Audit an attempt; a name that nobody has is not kept, as it may be a password."""
        with self._store.read() as connection:
            is_known = find_user(connection, self._store.tables, username) is not None
        target = username if is_known else "(unknown user)"
        actor = Actor(NOBODY.name, NOBODY.role, address())
        note(self._store, entry(actor, action, target, after=after))


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
