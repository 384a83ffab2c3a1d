"""One's own account: password, sessions."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update

from dash_app.components.frame import framed
from dash_app.components.notes import done, refused
from dash_app.components.states import nothing
from dash_app.context import Context
from dash_app.page import ADMINISTRATION, MakeContext, Page
from otel_fmd.actions.account import change_own_password, end_own_other_sessions, end_own_session
from otel_fmd.analysis.text import browser_name
from otel_fmd.errors import ConfigurationError, OtelFmdError
from otel_fmd.people.passwords import (
    ELSEWHERE,
    LEAST_LENGTH,
    SWITCHED_OFF,
)
from otel_fmd.views.load import Loaded
from otel_fmd.views.people import SESSIONS, OwnSession


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The sessions, and a form for the password."""
    sessions = framed(
        [
            html.H2(SESSIONS.title, className="card-title"),
            html.P(
                f"You are logged in as {context.actor.name}, with the role "
                f"{context.actor.role.name.lower()}. {SESSIONS.description}",
                className="card-help",
            ),
            html.Div(_sessions(loaded[SESSIONS], context), id="own-sessions"),
            dmc.Button("End all other sessions", id="own-end-others", variant="default", mt="md"),
            html.Div(id="own-sessions-note", role="status"),
        ]
    )
    return [sessions, _password(context)]


def _password(context: Context) -> Any:
    """The form for a new password; for who has none, the reason."""
    title = html.H2("Password", className="card-title")
    if not context.actor.has_password or not context.settings.password_login:
        why = SWITCHED_OFF if context.actor.has_password else ELSEWHERE
        return framed([title, html.P(why, className="card-help")])
    return framed(
        [
            title,
            html.P(
                f"At least {LEAST_LENGTH} characters. All of your sessions end, this one included.",
                className="card-help",
            ),
            dmc.Group(
                [
                    dmc.PasswordInput(
                        id="own-current",
                        label="Current password",
                        w=220,
                        inputProps={"autoComplete": "current-password"},
                    ),
                    dmc.PasswordInput(
                        id="own-password",
                        label="New password",
                        w=220,
                        inputProps={"autoComplete": "new-password"},
                    ),
                    dmc.PasswordInput(
                        id="own-again",
                        label="New password again",
                        w=220,
                        inputProps={"autoComplete": "new-password"},
                    ),
                ],
                align="end",
            ),
            dmc.Button("Change password", id="own-change", mt="md"),
            html.Div(id="own-note", role="status"),
        ]
    )


def _sessions(data: list[OwnSession], context: Context) -> Any:
    if not data:
        return nothing(SESSIONS.empty)
    head = ("browser", "address", "logged in", "last used", "")
    rows = [
        dmc.TableTr(
            [
                dmc.TableTd(
                    html.Span(browser_name(one.session.browser), title=one.session.browser)
                ),
                dmc.TableTd(one.session.address),
                dmc.TableTd(context.time_of(one.session.created_us)),
                dmc.TableTd(context.time_of(one.session.seen_us)),
                dmc.TableTd("this browser" if one.is_this else _end_button(one)),
            ]
        )
        for one in data
    ]
    table = dmc.Table(
        [dmc.TableThead(dmc.TableTr([dmc.TableTh(name) for name in head])), dmc.TableTbody(rows)]
    )
    return dmc.TableScrollContainer(table, minWidth=560)


def _browser(user_agent: str) -> html.Span:
    return html.Span(browser_name(user_agent), title=user_agent)


def _end_button(one: OwnSession) -> dmc.Button:
    return dmc.Button(
        "End",
        id={"type": "own-end", "session": one.session.hash},
        size="compact-sm",
        color="red",
        variant="outline",
        **{
            "aria-label": f"End the session of {browser_name(one.session.browser)} at "
            f"{one.session.address}"
        },
    )


def register(app: Dash, make: MakeContext) -> None:
    """Ending sessions, and changing the password."""

    @app.callback(
        Output("own-sessions-note", "children"),
        Output("own-sessions", "children"),
        Input("own-end-others", "n_clicks"),
        Input({"type": "own-end", "session": ALL}, "n_clicks"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def end(others: int | None, ones: Any, path: str, search: str) -> Any:
        if not others and not any(ones or []):
            return no_update, no_update
        context = make(path, search)
        actor, store = context.actor, context.reader.store
        try:
            if isinstance(ctx.triggered_id, dict):
                end_own_session(actor, store, str(ctx.triggered_id.get("session", "")))
                words = "The session has ended."
            else:
                number = end_own_other_sessions(actor, store)
                words = f"{number} session{'' if number == 1 else 's'} ended."
            shown = _sessions(context.load([SESSIONS])[SESSIONS], context)
        except OtelFmdError as error:
            return refused(error), no_update
        return done(words), shown

    @app.callback(
        Output("own-note", "children"),
        Input("own-change", "n_clicks"),
        State("own-current", "value"),
        State("own-password", "value"),
        State("own-again", "value"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def change(
        clicks: int | None, current: Any, password: Any, again: Any, path: str, search: str
    ) -> Any:
        if not clicks:
            return no_update
        context = make(path, search)
        try:
            if password != again:
                raise ConfigurationError("the two new passwords differ")
            change_own_password(
                context.actor,
                context.reader.store,
                str(current or ""),
                str(password or ""),
                passwords_on=context.settings.password_login,
            )
        except OtelFmdError as error:
            return refused(error)
        link = html.A("Log in again", href=f"{context.prefix}login")
        return done(["The password was changed. ", link, "."])


PAGE = Page(
    "/account",
    "Your account",
    ADMINISTRATION,
    views=(SESSIONS,),
    layout=layout,
    register=register,
)
