"""Login and logout: one plain page that does not load the dashboard."""

from __future__ import annotations

import logging
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from otel_fmd.errors import NotAllowedError, OtelFmdError
from otel_fmd.web.entrance import Entrance, Refusal
from otel_fmd.web.proxy import prefix
from otel_fmd.web.security import current_login

_log = logging.getLogger(__name__)


class LoginWords(NamedTuple):
    """Texts of the login page: its title, name and text above the form, footer below it."""

    title: str
    name: str
    text: str
    footer: str


def login_blueprint(entrance: Entrance, words: LoginWords) -> Blueprint:
    """The blueprint `fmd_login` with `/login` and `/logout`."""
    blueprint = Blueprint("fmd_login", __name__, template_folder="templates")

    def page(error: str = "", status: int = 200, wait_s: int = 0) -> Response:
        text = render_template("login.html", words=words, error=error, prefix=prefix())
        headers = {"Retry-After": str(wait_s)} if wait_s else {}
        return Response(text, status, headers, mimetype="text/html")

    @blueprint.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        if request.method in ("GET", "HEAD"):
            return page()
        # FMD's scripts call the field `name`.
        found = entrance.verified("username" if "username" in request.form else "name")
        if isinstance(found, Refusal):
            return page(*found)
        return entrance.enter(found.user, _safe_next(request.args.get("next", "")), found.browser)

    @blueprint.route("/logout", methods=["POST"])
    def logout() -> ResponseReturnValue:
        return entrance.leave(current_login(), url_for("fmd_login.login"))

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


def _safe_next(target: str) -> str:
    """Only a path of the dashboard: never another host, and nothing invalid in a header."""
    parts = urlsplit(target)
    own = target.startswith("/") and not target.startswith(("//", "/\\"))
    if not own or parts.scheme or parts.netloc or "\\" in target or not target.isprintable():
        return prefix()
    return quote(target, safe="/?&=%+,:;@~!$'()*-._")
