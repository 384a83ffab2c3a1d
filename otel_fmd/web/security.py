"""Access control: every route behind a login or a token.

With a session, changes come from the dashboard's own pages; a token needs no such proof, as no
browser sends it by itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from otel_fmd.people.actor import NOBODY, Actor, Role
from otel_fmd.people.sessions import LoggedIn, Sessions
from otel_fmd.people.tokens import PREFIX
from otel_fmd.web.cookies import SESSION, cookie

CONTENT_POLICY = "CONTENT_POLICY"
"""The key of the policy in the configuration of the Flask app."""
_SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
_PUBLIC = frozenset(
    [
        "fmd_login.login",
        "fmd_oidc.start",
        "fmd_oidc.callback",
        "fmd_oidc.backchannel",
        "fmd_setup.first_user",
        "fmd_login.stylesheet",
        "fmd_login.script",
        "fmd_health.healthz",
        "fmd_health.readyz",
        "fmd_api_login.login",
    ]
)
_PROVEN_OTHERWISE = frozenset(["fmd_oidc.backchannel"])
"""Changes that providers ask for, which no session permits, but their signature."""
PROGRAMS = "fmd_api_"
"""How the names of blueprints begin that programs use with a session, which send no `Origin`."""
Bearers = Callable[[str, str], Actor | None]
"""The actor with a bearer token, acting from an address; None if the token is not valid."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
_HSTS = "max-age=31536000"


def content_policy(*inline_scripts: str) -> str:
    """The Content-Security-Policy: nothing comes from, or is sent to, another host.

    Styles may be inline: Plotly and Mantine style their own elements.

    Args:
        inline_scripts: the only scripts that may stand in a page.
    """
    digests = (hashlib.sha256(one.encode()).digest() for one in inline_scripts)
    hashes = "".join(f" 'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return (
        f"default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    )


def current_login() -> LoggedIn | None:
    """The session of this request, and its user; None if nobody is logged in."""
    found: LoggedIn | None = g.get("fmd_login")
    return found


def current_actor() -> Actor:
    """The actor of this request, with their role; `NOBODY` if nobody is logged in."""
    bearer: Actor | None = g.get("fmd_bearer")
    if bearer is not None:
        return bearer
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


def from_program() -> bool:
    """Whether no browser sent this request: it has nothing that browsers send with a change.

    All browsers send `Origin` with every POST and DELETE, and ask for pages as HTML.
    """
    headers = request.headers
    marks = ("Origin", "Referer", "Sec-Fetch-Site")
    return not any(name in headers for name in marks) and not _wants_page()


def protect(app: Flask, sessions: Sessions, bearers: Bearers) -> None:
    """Put the whole application behind login or token, origin checks and security headers.

    `app.config[CONTENT_POLICY]` is the Content-Security-Policy.

    Args:
        app: the application.
        sessions: who is logged in.
        bearers: who has a token.
    """

    def check() -> ResponseReturnValue | None:
        g.fmd_login = g.fmd_bearer = None
        if request.blueprint == "fmd_health":
            return None
        if _has_bearer(bearers):
            return None
        secret = cookie(SESSION)
        if secret:
            g.fmd_login = sessions.find(secret)
        return _decide()

    app.before_request(check)
    app.after_request(_harden)


def _has_bearer(bearers: Bearers) -> bool:
    """Whether this request has a valid token, whose bearer then acts.

    A token that does not look like ours may be that of a proxy in front: the session decides.
    """
    secret = bearer_secret()
    if secret is None or request.endpoint in _PUBLIC:
        return False
    g.fmd_bearer = bearers(secret, address())
    if g.fmd_bearer is None and secret.startswith(PREFIX):
        raise unauthorized("this token is not valid")
    if g.fmd_bearer is not None and g.fmd_bearer.role <= Role.NOBODY:
        abort(403, "this token only sends telemetry")
    return g.fmd_bearer is not None


def bearer_secret() -> str | None:
    """What follows `Authorization: Bearer`; None without one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def unauthorized(words: str) -> Unauthorized:
    """The error 401 that asks for a token."""
    return Unauthorized(words, www_authenticate=WWWAuthenticate("bearer"))


def _decide() -> ResponseReturnValue | None:
    """Nothing for what may be done; else the way to the login, or an error."""
    is_safe = request.method in _SAFE_METHODS
    is_api = (request.blueprint or "").startswith(PROGRAMS)
    proven = request.endpoint in _PROVEN_OTHERWISE or same_origin()
    if not is_safe and not proven and not ((is_api or _is_fmd_login()) and from_program()):
        abort(403, "this change did not come from a page of the dashboard")
    if request.endpoint in _PUBLIC or current_login() is not None:
        return None
    if is_safe and _wants_page() and not is_api:
        wanted = request.script_root + request.full_path.rstrip("?")
        return redirect(url_for("fmd_login.login", next=wanted))
    raise unauthorized("log in, or send a token")


def _is_fmd_login() -> bool:
    """Whether this is FMD's form at the login page: they share a path in a mounted dashboard."""
    return request.endpoint == "fmd_login.login" and set(request.form) == {"name", "password"}


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Security-Policy"] = current_app.config[CONTENT_POLICY]
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
    # Every server sends its own; two of them are one too many.
    response.headers.pop("Date", None)
    if response.mimetype in ("text/html", "application/json"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _wants_page() -> bool:
    return "text/html" in request.headers.get("Accept", "")
