"""The page behind a set-up link: it creates the first admin."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from otel_fmd.actions.account import set_up
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.passwords import LEAST_LENGTH, MOST_LENGTH, SWITCHED_OFF
from otel_fmd.people.setup import SETUP_PATH, is_setup_link
from otel_fmd.people.users import NAME_WIDTH
from otel_fmd.store.store import Store
from otel_fmd.web.entrance import Entrance
from otel_fmd.web.login_page import LoginPage
from otel_fmd.web.proxy import prefix
from otel_fmd.web.security import address


def setup_blueprint(store: Store, entrance: Entrance, page: LoginPage, username: str) -> Blueprint:
    """The blueprint `fmd_setup`; the form suggests a user name."""
    blueprint = Blueprint("fmd_setup", __name__, template_folder="templates")

    def form(secret: str, error: str = "", status: int = 200) -> Response:
        usable = is_setup_link(store, secret)
        text = render_template(
            "setup.html",
            words=page.words,
            error=error,
            name=request.form.get("username", username),
            usable=usable,
            prefix=prefix(),
            least=LEAST_LENGTH,
        )
        return Response(text, status if usable else 410, mimetype="text/html")

    @blueprint.route(f"/{SETUP_PATH}/<secret>", methods=["GET", "POST"])
    def first_user(secret: str) -> ResponseReturnValue:
        if not page.passwords:
            return page.show(SWITCHED_OFF, 403)
        if request.method in ("GET", "HEAD"):
            return form(secret)
        name = request.form.get("username", "")[: NAME_WIDTH + 1]
        password = request.form.get("password", "")[: MOST_LENGTH + 1]
        if request.form.get("again", "")[: MOST_LENGTH + 1] != password:
            return form(secret, "The two passwords differ.", 400)
        try:
            user = set_up(store, secret, name, password, address())
        except ConfigurationError as error:
            return form(secret, f"{str(error)[:1].upper()}{str(error)[1:]}.", 400)
        return entrance.enter(user, prefix())

    return blueprint
