"""Login and logout: one plain page that does not load the dashboard."""

from __future__ import annotations

import logging
from typing import Protocol
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from otel_fmd.config import Provider
from otel_fmd.errors import NotAllowedError, OtelFmdError
from otel_fmd.people.users import User
from otel_fmd.web.cookies import HINT, SESSION, cookie, set_cookie
from otel_fmd.web.entrance import Entrance, Refusal
from otel_fmd.web.login_page import LoginPage
from otel_fmd.web.proxy import prefix
from otel_fmd.web.security import current_login

_log = logging.getLogger(__name__)


class ProviderLogouts(Protocol):
    """The providers with which people log in, for those who log out."""

    def provider_of(self, user: User) -> Provider | None:
        """With which somebody logs in; None for a user with a password."""

    def logout_url(self, provider: Provider, back_to: str, id_token: str) -> str:
        """Where a browser logs out there, and comes back from; '' if it cannot."""


def login_blueprint(
    entrance: Entrance, page: LoginPage, logouts: ProviderLogouts | None = None
) -> Blueprint:
    """The blueprint `fmd_login` with `/login` and `/logout`.

    Args:
        entrance: lets users in and out.
        page: the login page.
        logouts: the providers; None if there are none.
    """
    blueprint = Blueprint("fmd_login", __name__, template_folder="templates")

    @blueprint.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        if request.method in ("GET", "HEAD"):
            return page.show()
        # FMD's scripts call the field `name`.
        found = entrance.verified("username" if "username" in request.form else "name")
        if isinstance(found, Refusal):
            return page.show(*found)
        return entrance.enter(found.user, safe_next(request.args.get("next", "")), found.browser)

    @blueprint.route("/logout", methods=["POST"])
    def logout() -> ResponseReturnValue:
        login = current_login()
        provider = None if logouts is None or login is None else logouts.provider_of(login.user)
        entrance.leave(login, provider.name if provider else "")
        response = _further(page, logouts, provider)
        for name in (SESSION, HINT):
            set_cookie(response, name, "")
        return response

    @blueprint.route("/login.css")
    def stylesheet() -> ResponseReturnValue:
        return Response(render_template("login.css"), mimetype="text/css")

    @blueprint.route("/login.js")
    def script() -> ResponseReturnValue:
        return Response(render_template("login.js"), mimetype="text/javascript")

    @blueprint.app_errorhandler(OtelFmdError)
    def unavailable(error: OtelFmdError) -> ResponseReturnValue:
        _log.warning("%s: %s", request.path, error)
        status = 403 if isinstance(error, NotAllowedError) else 503
        # `abort` would raise within the handling of an error, which Flask does not handle.
        return Response(f"{error.advice}\n", status, mimetype="text/plain")

    return blueprint


def _further(
    page: LoginPage, logouts: ProviderLogouts | None, provider: Provider | None
) -> BaseResponse:
    """Where a browser goes after the logout here: to that of the provider, or to the login page."""
    if logouts is not None and provider is not None:
        back_to = url_for("fmd_login.login", _external=True)
        url = logouts.logout_url(provider, back_to, cookie(HINT))
        if url:
            return page.show_way_out(url, provider.name)
    return redirect(url_for("fmd_login.login"))


def safe_next(target: str) -> str:
    """Only a path of the dashboard: never another host, and nothing invalid in a header."""
    own = target.startswith("/") and not target.startswith(("//", "/\\"))
    if not own or "\\" in target or not target.isprintable():
        return prefix()
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return prefix()
    return quote(target, safe="/?&=%+,:;@~!$'()*-._")
