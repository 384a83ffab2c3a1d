"""Access control: every route behind a login, changes only from the dashboard's own pages."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from otel_fmd.people.actor import NOBODY, Actor
from otel_fmd.people.sessions import LoggedIn, Sessions
from otel_fmd.web.cookies import SESSION, cookie

_SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
_PUBLIC = frozenset(
    [
        "fmd_login.login",
        "fmd_setup.first_user",
        "fmd_login.stylesheet",
        "fmd_health.healthz",
        "fmd_health.readyz",
    ]
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    # Dash puts its configuration and renderer call into inline scripts; Plotly styles its own
    # elements. Nothing may come from, or be sent to, another host.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    ),
}
_HSTS = "max-age=31536000"


def current_login() -> LoggedIn | None:
    """The session of this request, and its user; None if nobody is logged in."""
    found: LoggedIn | None = g.get("fmd_login")
    return found


def current_actor() -> Actor:
    """The actor of this request, with their role; `NOBODY` if nobody is logged in."""
    login = current_login()
    if login is None:
        return replace(NOBODY, address=address())
    return login.user.actor(address(), login.session.hash)


def address() -> str:
    """The address of the client; of a proxy, if it is not trusted."""
    return request.remote_addr or ""


def same_origin() -> bool:
    """Whether the browser says that this request comes from one of the dashboard's pages."""
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if origin is None:
        return False
    parts = urlsplit(origin)
    return parts.netloc == request.host and parts.scheme in (request.scheme, "https")


def protect(app: Flask, sessions: Sessions) -> None:
    """Put the whole application behind login, same-origin checks and security headers."""

    def check() -> ResponseReturnValue | None:
        g.fmd_login = None
        if request.blueprint == "fmd_health":
            return None
        secret = cookie(SESSION)
        if secret:
            g.fmd_login = sessions.find(secret)
        return _decide()

    app.before_request(check)
    app.after_request(_harden)


def _decide() -> ResponseReturnValue | None:
    """Nothing for what may be done; else the way to the login, or an error."""
    is_safe = request.method in _SAFE_METHODS
    if not is_safe and not same_origin():
        abort(403, "this change did not come from a page of the dashboard")
    if request.endpoint in _PUBLIC or current_login() is not None:
        return None
    if is_safe and _wants_page():
        wanted = request.script_root + request.full_path.rstrip("?")
        return redirect(url_for("fmd_login.login", next=wanted))
    abort(401)


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
    if response.mimetype in ("text/html", "application/json"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _wants_page() -> bool:
    return "text/html" in request.headers.get("Accept", "")
