"""FMD's login for scripts: a form with `name` and `password`, answered with a session."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from otel_fmd.web.entrance import Entrance, Refusal
from otel_fmd.web.fmd.route import failure
from otel_fmd.web.proxy import prefix
from otel_fmd.web.security import PROGRAMS


def login_blueprint(entrance: Entrance) -> Blueprint:
    """The blueprint with `/login`; browsers are sent to the dashboard's own page."""
    made = Blueprint(f"{PROGRAMS}login", __name__)

    @made.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        if request.method in ("GET", "HEAD"):
            return Response(status=302, headers={"Location": f"{prefix()}login"})
        found = entrance.verified("name")
        if isinstance(found, Refusal):
            response = failure(found.error, found.status)
            if found.wait_s:
                response.headers["Retry-After"] = str(found.wait_s)
            return response
        return entrance.enter(found.user, prefix(), found.browser)

    return made
