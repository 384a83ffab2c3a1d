"""Users: who may view, and who may make changes."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, html, no_update

from dash_app.components.frame import framed
from dash_app.components.notes import done, refused
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, MakeContext, Page
from otel_fmd.actions import users
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.actor import Role
from otel_fmd.people.passwords import LEAST_LENGTH
from otel_fmd.people.users import User
from otel_fmd.views.load import Loaded
from otel_fmd.views.people import USERS

_ROLES = {"guest": Role.GUEST, "admin": Role.ADMIN}


def layout(loaded: Loaded[Context], _context: Context) -> Any:
    """The users, and a form."""
    columns = (("username", "user name", ""), ("role", "role", ""))
    form = framed(
        [
            html.H2("Add, change or remove", className="card-title"),
            html.P(
                f"{USERS.description} Passwords need at least {LEAST_LENGTH} characters. A new "
                "password or role ends the user's sessions.",
                className="card-help",
            ),
            dmc.Group(
                [
                    dmc.TextInput(id="user-name", label="User name", w=220),
                    dmc.PasswordInput(id="user-password", label="Password", w=220),
                    dmc.Select(
                        id="user-role",
                        label="Role",
                        data=list(_ROLES),
                        value="guest",
                        w=120,
                        allowDeselect=False,
                    ),
                ],
                align="end",
            ),
            dmc.Group(
                [
                    dmc.Button("Add", id="user-add"),
                    dmc.Button("Set password", id="user-change", variant="default"),
                    dmc.Button("Set role", id="user-set-role", variant="default"),
                    dmc.Button("Remove", id="user-remove", color="red", variant="outline"),
                ],
                mt="md",
            ),
            html.Div(id="user-note", role="status"),
        ]
    )
    return [grid("users", USERS.title, _rows(loaded[USERS]), columns), form]


def _rows(found: list[User]) -> list[Row]:
    return [{"username": one.username, "role": one.role.name.lower()} for one in found]


def register(app: Dash, make: MakeContext) -> None:
    """The form's four buttons."""

    @app.callback(
        Output("user-note", "children"),
        Output({"type": "grid", "view": "users"}, "rowData", allow_duplicate=True),
        Input("user-add", "n_clicks"),
        Input("user-change", "n_clicks"),
        Input("user-set-role", "n_clicks"),
        Input("user-remove", "n_clicks"),
        State("user-name", "value"),
        State("user-password", "value"),
        State("user-role", "value"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> Any:
        *clicks, name, password, role, path, search = values
        if not any(clicks):
            return no_update, no_update
        context = make(path, search)
        try:
            _change(context, str(ctx.triggered_id), str(name or ""), str(password or ""), str(role))
            rows = _rows(context.load([USERS])[USERS])
        except OtelFmdError as error:
            return refused(error), no_update
        return done("Done."), rows


def _change(context: Context, button: str, name: str, password: str, role_name: str) -> None:
    role = _ROLES.get(role_name, Role.GUEST)
    actor, store = context.actor, context.reader.store
    on = context.settings.password_login
    if button == "user-add":
        users.add_user(actor, store, name, password, role, passwords_on=on)
    elif button == "user-change":
        users.set_password(actor, store, name, password, passwords_on=on)
    elif button == "user-set-role":
        users.set_role(actor, store, name, role)
    else:
        users.remove_user(actor, store, name)


PAGE = Page(
    "/admin/users",
    "Users",
    ADMINISTRATION,
    views=(USERS,),
    layout=layout,
    role=Role.ADMIN,
    register=register,
)
