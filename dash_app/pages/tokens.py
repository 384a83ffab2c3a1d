"""API tokens: for programs, each shown once."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, html, no_update

from dash_app.components.frame import framed
from dash_app.components.notes import done, refused
from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, MakeContext, Page
from otel_fmd.actions.tokens import add_token, remove_token
from otel_fmd.errors import ConfigurationError, OtelFmdError
from otel_fmd.people.actor import Role
from otel_fmd.people.tokens import MOST_DAYS, Scope, Token
from otel_fmd.views.load import Loaded
from otel_fmd.views.people import TOKENS, expiry
from otel_fmd.web.api.reference import REFERENCE

_DAYS = 365


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The tokens, and a form."""
    form = framed(
        [
            html.H2("Create or revoke", className="card-title"),
            html.P(
                [
                    "A token is shown once, when it is created. Programs send it in the header "
                    "Authorization, after the word Bearer: to the receiver, and to the ",
                    html.A("REST API", href=f"{context.prefix}{REFERENCE}", target="_blank"),
                    ".",
                ],
                className="card-help",
            ),
            dmc.Group(
                [
                    dmc.TextInput(id="token-name", label="Name", w=220),
                    dmc.NumberInput(
                        id="token-days",
                        label="Valid for days (empty: for ever)",
                        value=_DAYS,
                        min=1,
                        max=MOST_DAYS,
                        allowDecimal=False,
                        w=220,
                    ),
                    dmc.CheckboxGroup(
                        id="token-scopes",
                        label="Scopes",
                        value=[Scope.READ],
                        children=dmc.Group(
                            [dmc.Checkbox(label=scope.value, value=scope.value) for scope in Scope],
                            mt=6,
                        ),
                    ),
                ],
                align="end",
            ),
            dmc.Group(
                [
                    dmc.Button("Create", id="token-add"),
                    dmc.Button("Revoke", id="token-revoke", color="red", variant="outline"),
                ],
                mt="md",
            ),
            html.Div(id="token-note", role="status"),
        ]
    )
    return [html.Div(_table(loaded[TOKENS], context), id="token-table"), form]


def _table(data: list[Token], context: Context) -> Any:
    columns = (
        ("name", "name", "name"),
        ("token", "token", ""),
        ("scopes", "scopes", ""),
        ("by", "created by", ""),
        ("expires", "expires", "moment"),
        ("used", "last used", "moment"),
    )
    rows = _rows(data, context)
    empty = nothing(TOKENS.empty)
    note = TOKENS.description.replace("`", "")
    return grid("tokens", TOKENS.title, rows, columns, note=note, empty=empty)


def _rows(data: list[Token], context: Context) -> list[Row]:
    return [
        {
            "id": str(one.id),
            "name": one.name,
            "token": f"{one.hint}…",
            "scopes": " ".join(one.scopes),
            "by": one.created_by,
            "expires": expiry(one, context),
            "used": "never" if one.used_us is None else context.time_of(one.used_us),
        }
        for one in data
    ]


def register(app: Dash, make: MakeContext) -> None:
    """The form's two buttons."""

    @app.callback(
        Output("token-note", "children"),
        Output("token-table", "children"),
        Input("token-add", "n_clicks"),
        Input("token-revoke", "n_clicks"),
        State("token-name", "value"),
        State("token-days", "value"),
        State("token-scopes", "value"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> Any:
        *clicks, name, days, scopes, path, search = values
        if not any(clicks):
            return no_update, no_update
        context = make(path, search)
        actor, store = context.actor, context.reader.store
        try:
            if ctx.triggered_id == "token-revoke":
                remove_token(actor, store, str(name or ""))
                note: Any = done("Revoked.")
            else:
                names = [str(one) for one in scopes] if isinstance(scopes, list) else []
                note = _shown(add_token(actor, store, str(name or ""), names, _days(days)))
            table = _table(context.load([TOKENS])[TOKENS], context)
        except OtelFmdError as error:
            return refused(error), no_update
        return note, table


def _days(value: Any) -> int | None:
    if value in (None, ""):
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"days of a token {str(value)[:50]!r}: expected a whole number")
    return value


def _shown(secret: str) -> dmc.Alert:
    """The new token, which cannot be read again."""
    return dmc.Alert(
        [
            html.P("Copy it now: it is not shown again."),
            dmc.Code(secret, block=True, id="token-secret"),
        ],
        title="Created",
        color="green",
        mt="md",
    )


PAGE = Page(
    "/admin/tokens",
    "API tokens",
    ADMINISTRATION,
    views=(TOKENS,),
    layout=layout,
    role=Role.ADMIN,
    register=register,
)
