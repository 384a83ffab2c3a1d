"""Access control: every route behind a login, changes only from the dashboard's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from otel_fmd.people.actor import NOBODY, Actor
from otel_fmd.people.users import User, Users

_SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
_PUBLIC = frozenset(
    ["fmd_login.login", "fmd_login.stylesheet", "fmd_health.healthz", "fmd_health.readyz"]
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


def current_user() -> User | None:
    """The user of this request; None if nobody is logged in."""
    found: User | None = g.get("fmd_user")
    return found


def current_actor() -> Actor:
    """The actor of this request, with their role; `NOBODY` if nobody is logged in."""
    user = current_user()
    return NOBODY if user is None else user.actor


def same_origin() -> bool:
    """Whether the browser says that this request comes from one of the dashboard's pages."""
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    return origin is not None and urlsplit(origin).netloc == request.host


def protect(app: Flask, users: Users) -> None:
    """Put the whole application behind login, same-origin checks and security headers."""

    def check() -> ResponseReturnValue | None:
        g.fmd_user = None
        if request.blueprint == "fmd_health":
            return None
        user_id = session.get("user_id")
        if user_id is not None:
            g.fmd_user = users.find(user_id)
        if request.method not in _SAFE_METHODS and not same_origin():
            abort(403, "this change did not come from a page of the dashboard")
        if request.endpoint in _PUBLIC or g.fmd_user is not None:
            return None
        if request.method in _SAFE_METHODS and _wants_page():
            wanted = request.script_root + request.full_path.rstrip("?")
            return redirect(url_for("fmd_login.login", next=wanted))
        abort(401)

    def harden(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if response.mimetype in ("text/html", "application/json"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.before_request(check)
    app.after_request(harden)


def _wants_page() -> bool:
    return "text/html" in request.headers.get("Accept", "")
