"""Cookies: the session, a browser that has logged in before, logins under way, the way out.

Over https their names begin with `__Host-` (`__Secure-` below a path), so that no other host, and
no page without TLS, can set them.
"""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from otel_fmd.people.sessions import ABSOLUTE_S
from otel_fmd.web.proxy import prefix

SESSION = "otel_fmd_session"
BROWSER = "otel_fmd_browser"
_BROWSER_S = 90 * 24 * 3600
TRANSACTIONS = "otel_fmd_logins"
TRANSACTION_S = 600
SCHEME = "otel_fmd_scheme"
"""The browser's colour scheme, `light` or `dark`; written by scripts."""
HINT = "otel_fmd_id_token"
"""With which a provider knows whom to log out; sent to the logout only, and stored nowhere else."""
_BELOW = {HINT: "logout"}
_LONGEST = {SESSION: 100, BROWSER: 100, TRANSACTIONS: 3_000, HINT: 3_500}
_LIFETIMES = {
    SESSION: ABSOLUTE_S,
    BROWSER: _BROWSER_S,
    TRANSACTIONS: TRANSACTION_S,
    HINT: ABSOLUTE_S,
}


def cookie(name: str) -> str:
    """Its value; '' if the browser sent none."""
    return request.cookies.get(_full(name), "")[: _LONGEST[name]]


def set_cookie(response: Response, name: str, value: str) -> None:
    """Have the browser keep a secret that no script can read; '' or a long one makes it forget."""
    if len(value) > _LONGEST[name]:
        value = ""
    response.set_cookie(
        _full(name),
        value,
        max_age=_LIFETIMES[name] if value else 0,
        path=prefix() + _BELOW.get(name, ""),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _full(name: str) -> str:
    if not request.is_secure:
        return name
    is_whole = prefix() == "/" and name not in _BELOW
    return f"__Host-{name}" if is_whole else f"__Secure-{name}"
