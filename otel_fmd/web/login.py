"""Login and logout: one plain page that does not load the dashboard."""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
import time
from collections import deque
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from otel_fmd.errors import NotAllowedError, OtelFmdError
from otel_fmd.people.users import User, Users
from otel_fmd.web.proxy import prefix

_log = logging.getLogger(__name__)
_WINDOW_S = 300.0
_TRIES = 10
_MOST_KEYS = 10_000


class LoginLimiter:
    """At most so many failed logins per name and address in five minutes."""

    def __init__(self, tries: int = _TRIES, window_s: float = _WINDOW_S) -> None:
        self._tries = tries
        self._window_s = window_s
        self._failures: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def allows(self, *keys: str) -> bool:
        """Whether another attempt is allowed."""
        oldest = time.monotonic() - self._window_s
        with self._lock:
            for key in keys:
                times = self._failures.get(key)
                while times and times[0] < oldest:
                    times.popleft()
                if times and len(times) >= self._tries:
                    return False
        return True

    def failed(self, *keys: str) -> None:
        """Record a failed attempt."""
        with self._lock:
            if len(self._failures) > _MOST_KEYS:
                self._failures.clear()
            for key in keys:
                self._failures.setdefault(key, deque()).append(time.monotonic())


class LoginWords(NamedTuple):
    """Texts of the login page: its title, name and text above the form, footer below it."""

    title: str
    name: str
    text: str
    footer: str


class _Refused(NamedTuple):
    """Why a login was refused, and the status of the response."""

    error: str
    status: int


def _verified(users: Users, limiter: LoginLimiter) -> User | _Refused:
    """The user named in the form, if the password is right."""
    username = request.form.get("username", "")[:250]
    keys = (f"name:{username}", f"address:{request.remote_addr}")
    if not limiter.allows(*keys):
        return _Refused("Too many failed logins. Try again in five minutes.", 429)
    try:
        user = users.verify(username, request.form.get("password", "")[:1000])
    except OtelFmdError as error:
        _log.warning("login: %s", error)
        return _Refused(error.advice, 503)
    if user is None:
        limiter.failed(*keys)
        return _Refused("Wrong user name or password.", 401)
    return user


def login_blueprint(users: Users, words: LoginWords) -> Blueprint:
    """The blueprint `fmd_login` with `/login` and `/logout`."""
    blueprint = Blueprint("fmd_login", __name__, template_folder="templates")
    limiter = LoginLimiter()

    def page(error: str, status: int) -> ResponseReturnValue:
        token = session.setdefault("login_token", secrets.token_urlsafe(16))
        text = render_template("login.html", words=words, error=error, token=token, prefix=prefix())
        return Response(text, status, mimetype="text/html")

    @blueprint.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        if request.method in ("GET", "HEAD"):
            return page("", 200)
        token = session.get("login_token", "")
        if not hmac.compare_digest(token, request.form.get("token", "")) or not token:
            return page("The login page has expired. Please try again.", 400)
        user = _verified(users, limiter)
        if isinstance(user, _Refused):
            return page(*user)
        session.clear()
        session["user_id"] = user.id
        session.permanent = True
        return redirect(_safe_next(request.args.get("next", "")))

    @blueprint.route("/logout", methods=["POST"])
    def logout() -> ResponseReturnValue:
        session.clear()
        return redirect(url_for("fmd_login.login"))

    @blueprint.route("/login.css")
    def stylesheet() -> ResponseReturnValue:
        return Response(render_template("login.css"), mimetype="text/css")

    @blueprint.app_errorhandler(OtelFmdError)
    def unavailable(error: OtelFmdError) -> ResponseReturnValue:
        _log.warning("%s: %s", request.path, error)
        abort(403 if isinstance(error, NotAllowedError) else 503, error.advice)

    return blueprint


def _safe_next(target: str) -> str:
    """Only a path of the dashboard: never another host, and nothing invalid in a header."""
    parts = urlsplit(target)
    own = target.startswith("/") and not target.startswith(("//", "/\\"))
    if not own or parts.scheme or parts.netloc or "\\" in target or not target.isprintable():
        return prefix()
    return quote(target, safe="/?&=%+,:;@~!$'()*-._")
