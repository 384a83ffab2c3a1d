"""Users: who may look, and who may change."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update

from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, Page
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.users import Users
from otel_fmd.web.security import current_user, is_admin


def layout(context: Context) -> Any:
    """The users, and a form."""
    rows = [
        {"username": user.username, "role": "admin" if user.is_admin else "guest"}
        for user in Users(context.reader.store).all()
    ]
    columns = (("username", "user name", ""), ("role", "role", ""))
    form = dmc.Paper(
        [
            html.H2("Add, change or remove", className="card-title"),
            html.P(
                "Guests see everything but the administration; admins may also change. "
                "A password has at least 8 characters.",
                className="card-help",
            ),
            dmc.Group(
                [
                    dmc.TextInput(id="user-name", label="User name", w=220),
                    dmc.PasswordInput(id="user-password", label="Password", w=220),
                    dmc.Select(
                        id="user-role",
                        label="Role",
                        data=["guest", "admin"],
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
        ],
        withBorder=True,
        p="md",
        radius="md",
        className="card",
    )
    return [grid("users", "Users", rows, columns), form]


def register(app: Dash, make: Any) -> None:
    """The form's four buttons."""

    @app.callback(
        Output("user-note", "children"),
        Output({"type": "grid", "view": "users"}, "rowData"),
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
        from dash import ctx

        *clicks, name, password, role, path, search = values
        if not any(clicks):
            return no_update, no_update
        if not is_admin():
            return dmc.Alert("Only an admin can change users.", color="red", mt="md"), no_update
        users = Users(make(path, search).reader.store)
        name, password, admin = name or "", password or "", role == "admin"
        try:
            if ctx.triggered_id == "user-add":
                users.add(name, password, is_admin=admin)
            elif ctx.triggered_id == "user-change":
                users.set_password(name, password)
            elif ctx.triggered_id == "user-set-role":
                users.set_admin(name, admin)
            else:
                me = current_user()
                if me is not None and me.username == name:
                    return dmc.Alert("You cannot remove yourself.", color="red", mt="md"), no_update
                users.remove(name)
        except OtelFmdError as error:
            return dmc.Alert(str(error), color="red", mt="md"), no_update
        rows = [
            {"username": user.username, "role": "admin" if user.is_admin else "guest"}
            for user in users.all()
        ]
        return dmc.Alert("Done.", color="green", mt="md"), rows


PAGE = Page("/admin/users", "Users", ADMINISTRATION, (), layout, admin_only=True)
