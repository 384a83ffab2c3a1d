"""Users of the dashboard."""

from __future__ import annotations

from flask import Response, request

from otel_fmd.actions.users import add_user, edit_user, remove_user_of_id
from otel_fmd.people.actor import Actor, Role
from otel_fmd.views.fmd.administration import user_list
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.web.fmd.bodies import field, user_id
from otel_fmd.web.fmd.route import Api, Route, reading

_POST = ("POST",)


def _create(api: Api, actor: Actor) -> Response:
    """Add a user."""
    name, password = field("username"), field("password")
    if field("password2") != password:
        raise RequestError("Passwords don't match.")
    on = api.settings.password_login
    add_user(actor, api.store, name, password, _role(), passwords_on=on)
    return _done()


def _edit(api: Api, actor: Actor) -> Response:
    """Change a user's role and, if the form has a new one, the password."""
    change = None
    if request.form.get("new_password"):
        change = field("old_password"), field("new_password")
        if field("new_password2") != change[1]:
            raise RequestError("Passwords don't match.")
    on = api.settings.password_login
    edit_user(actor, api.store, user_id(), _role(), change, passwords_on=on)
    return _done()


def _delete(api: Api, actor: Actor) -> Response:
    """Remove a user."""
    remove_user_of_id(actor, api.store, user_id())
    return _done()


def _role() -> Role:
    text = field("is_admin")
    if text not in ("true", "false"):
        raise RequestError(f"is_admin {text[:50]!r}: expected true or false")
    return Role.ADMIN if text == "true" else Role.GUEST


def _done() -> Response:
    return Response("OK", mimetype="text/html")


ROUTES = (
    reading("/api/users", user_list),
    Route("/api/user/create", _POST, Role.ADMIN, _create),
    Route("/api/user/edit", _POST, Role.ADMIN, _edit),
    Route("/api/user/delete", _POST, Role.ADMIN, _delete),
)
