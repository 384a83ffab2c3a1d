"""The OpenAPI document, and Swagger UI to read it and to try routes; nothing comes from elsewhere.

Swagger UI is that of the package `flask-swagger-ui`, of which only the files are used: its page has
a script within, which our Content-Security-Policy does not allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_file
from flask.typing import ResponseReturnValue

from otel_fmd.people.actor import Role, require
from otel_fmd.web import proxy
from otel_fmd.web.api import PATH
from otel_fmd.web.api.openapi import document
from otel_fmd.web.api.route import REFERENCE_NAME, Route, with_methods
from otel_fmd.web.cookies import SCHEME
from otel_fmd.web.security import current_actor

REFERENCE = f"{PATH.lstrip('/')}/docs"
"""Where the reference is, below the dashboard's path."""
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_START = """\
"use strict";
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
"""


def reference_blueprint(routes: Sequence[Route]) -> Blueprint:
    """`openapi.json` and `docs` below `/api/v1`, for everybody who may look."""
    made = Blueprint(REFERENCE_NAME, __name__, template_folder="../templates")

    made.after_request(with_methods)

    @cache
    def described() -> dict[str, object]:
        return document(routes)

    @made.before_request
    def check() -> None:
        require(current_actor(), Role.GUEST, "read the reference")

    @made.route("/openapi.json")
    def openapi() -> ResponseReturnValue:
        servers = [{"url": f"{proxy.prefix().rstrip('/')}{PATH}"}]
        response = jsonify({**described(), "servers": servers})
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        return response.make_conditional(request)

    @made.route("/docs")
    def docs() -> ResponseReturnValue:
        return render_template("api.html", is_dark=request.cookies.get(SCHEME) == "dark")

    @made.route("/docs/start.js")
    def start() -> ResponseReturnValue:
        return Response(_START, mimetype="text/javascript")

    @made.route("/docs/<name>")
    def file(name: str) -> ResponseReturnValue:
        if name not in _FILES:
            abort(404)
        path = files("flask_swagger_ui").joinpath("dist", name)
        return send_file(str(path), _FILES[name], max_age=3600)

    return made
