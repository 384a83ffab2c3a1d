"""Makes the dashboard: a Flask application with the Dash app in it, behind login."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from flask import Flask, request

from dash_app import shell
from dash_app.context import SCHEME_COOKIE, Context, make_context
from dash_app.page import Live, Page
from dash_app.pages import PAGES, database, overview, users
from dash_app.view import View, body, csv_text, failure, nothing
from otel_fmd._version import __version__
from otel_fmd.api.login import LoginWords, login_blueprint
from otel_fmd.api.security import is_admin, protect
from otel_fmd.config import Settings
from otel_fmd.database.queries.snapshot import Reader
from otel_fmd.database.queries.versions import versions_seen
from otel_fmd.database.store import Store
from otel_fmd.database.users import Users
from otel_fmd.errors import OtelFmdError

_log = logging.getLogger(__name__)
_SESSION_DAYS = 14
_MOST_VERSIONS = 100

_INDEX = """<!DOCTYPE html>
<html lang="en" data-ag-theme-mode="{scheme}">
  <head>
    {{%metas%}}
    <title>{{%title%}}</title>
    <link rel="icon" href="data:,">
    {{%css%}}
  </head>
  <body>
    {{%app_entry%}}
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>"""


def _login_words(settings: Settings) -> LoginWords:
    return LoginWords(
        settings.title_name or settings.brand_name,
        settings.brand_name if settings.show_login_banner else "",
        settings.description if settings.show_login_banner else "",
        f"otel-fmd {__version__}" if settings.show_login_footer else "",
    )


class _Dashboard(Dash):  # type: ignore[misc]
    """Dash, with the colour scheme of the browser's cookie in the page itself."""

    def interpolate_index(self, **parts: Any) -> str:
        text: str = super().interpolate_index(**parts)
        scheme = "dark" if request.cookies.get(SCHEME_COOKIE) == "dark" else "light"
        return text.replace("{scheme}", scheme)


def create_app(
    store: Store,
    settings: Settings,
    counters: Callable[[], Mapping[str, int]],
    prefix: str = "/",
) -> Flask:
    """The dashboard's WSGI application.

    Args:
        store: the database, its schema made.
        settings: brand, time zone, colours.
        counters: what the pipeline of this process did.
        prefix: the path at which browsers reach it, with a slash at its end; the server gives the
            part before the last slash as SCRIPT_NAME.
    """
    people = Users(store)
    server = Flask("otel_fmd_dashboard", static_folder=None)
    server.secret_key = people.session_key()
    server.config.update(
        SESSION_COOKIE_NAME="otel_fmd_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH=prefix,
        PERMANENT_SESSION_LIFETIME=timedelta(days=_SESSION_DAYS),
        MAX_CONTENT_LENGTH=2 * 2**20,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
    )
    protect(server, people)
    server.register_blueprint(login_blueprint(people, _login_words(settings)))
    app = _Dashboard(
        "dash_app",
        server=server,
        compress=True,
        requests_pathname_prefix=prefix,
        routes_pathname_prefix="/",
        title=settings.title_name or settings.brand_name,
        update_title=None,
        suppress_callback_exceptions=True,
        index_string=_INDEX.replace("{{", "{").replace("}}", "}"),
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    reader = Reader(store)

    def make(address: str, search: str) -> Context:
        path = "/" + address.removeprefix(prefix).lstrip("/")
        context = make_context(
            reader,
            path=path,
            search=search,
            cookies=request.cookies,
            is_admin=is_admin(),
            settings=settings,
            prefix=prefix,
            counters=counters,
        )
        found = find_page(path)
        return context if found is None else context.at(found[1])

    def layout() -> Any:
        dark = request.cookies.get(SCHEME_COOKIE) == "dark" if request else False
        return shell.shell(settings.brand_name, dark, prefix)

    app.layout = layout
    _register_router(app, make)
    _register_views(app, make, {view.name: view for page in PAGES for view in page.views})
    _register_tables(app, make, {k: v for page in PAGES for k, v in page.live.items()})
    _register_browser(app)
    overview.register(app, make)
    users.register(app, make)
    database.register(app, make)
    return server


def find_page(path: str) -> tuple[Page, dict[str, str]] | None:
    """The page at an address, and its parameters."""
    for page in PAGES:
        found = page.match(path)
        if found is not None:
            return page, found
    return None


Make = Callable[[str, str], Context]


def _register_router(app: Dash, make: Make) -> None:
    @app.callback(
        Output("content", "children"),
        Output("navigation", "children"),
        Output("controls", "children"),
        Input("url", "pathname"),
        Input("url", "search"),
    )
    def route(path: str, search: str) -> Any:
        context = make(path, search)
        found = find_page(context.path)
        page = None if found is None else found[0]
        name, services, versions = "", [], []
        try:
            with context.reader.snapshot() as snapshot:
                services = list(snapshot.services.values())
                endpoint = snapshot.endpoints.get(context.endpoint_id)
                name = "" if endpoint is None else endpoint.name
                ids = context.selection(snapshot).endpoint_ids
                versions = [v.name for v in versions_seen(snapshot, ids)[:_MOST_VERSIONS]]
            content = _content(page, context, name)
        except OtelFmdError as error:
            _log.warning("page %s: %s", path, error)
            content = failure(f"The data could not be read: {error}")
        return (
            content,
            shell.navigation(context, PAGES, page, name),
            shell.controls(context, services, versions),
        )


def _content(page: Page | None, context: Context, endpoint_name: str) -> Any:
    if page is None:
        return failure(f"There is no page {context.path[:100]!r}.")
    if page.admin_only and not context.is_admin:
        return failure("Only an admin can see this page.")
    if "endpoint" in context.parameters and not endpoint_name:
        return nothing("There is no such endpoint; choose one from the overview.")
    return page.content(context)


def _register_views(app: Dash, make: Make, views: Mapping[str, View]) -> None:
    @app.callback(
        Output({"type": "fresh", "view": MATCH}, "data"),
        Output({"type": "message", "view": MATCH}, "children"),
        Input("live", "n_intervals"),
        Input("repaint", "data"),
        State({"type": "graph", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def refresh(
        _ticks: int, _repaint: Any, identifier: dict[str, str], path: str, search: str
    ) -> Any:
        found = body(views[identifier["view"]], make(path, search))
        return {"figure": found.figure, "style": found.style}, found.message

    @app.callback(
        Output("url", "href"),
        Input({"type": "graph", "view": MATCH}, "clickData"),
        State({"type": "graph", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def open_point(click: Any, identifier: dict[str, str], path: str, search: str) -> Any:
        view = views[identifier["view"]]
        if not click or view.click is None:
            return no_update
        return view.click(click["points"][0], make(path, search)) or no_update

    @app.callback(
        Output("download", "data"),
        Input({"type": "csv", "view": MATCH}, "n_clicks"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def download(clicks: int | None, path: str, search: str) -> Any:
        if not clicks or not isinstance(ctx.triggered_id, dict):
            return no_update
        view = views[ctx.triggered_id["view"]]
        return {"content": csv_text(view, make(path, search)), "filename": f"{view.name}.csv"}


def _register_tables(
    app: Dash, make: Make, tables: Mapping[str, Callable[[Context], Live]]
) -> None:
    @app.callback(
        Output({"type": "grid", "view": MATCH}, "rowData"),
        Output({"type": "above", "view": MATCH}, "children"),
        Input("live", "n_intervals"),
        State({"type": "grid", "view": MATCH}, "id"),
        State("url", "pathname"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def refresh(_ticks: int, identifier: dict[str, str], path: str, search: str) -> Any:
        load = tables.get(identifier["view"])
        if load is None:
            return no_update, no_update
        try:
            found = load(make(path, search))
        except OtelFmdError as error:
            _log.warning("table %s: %s", identifier["view"], error)
            return no_update, no_update
        return found.rows, no_update if found.above is None else found.above

    @app.callback(
        Output({"type": "grid", "view": MATCH}, "exportDataAsCsv"),
        Input({"type": "grid-csv", "view": MATCH}, "n_clicks"),
        prevent_initial_call=True,
    )
    def export(clicks: int | None) -> bool:
        return bool(clicks)


def _register_browser(app: Dash) -> None:
    """What needs no server: selectors to address, dark and light, search in tables."""

    def in_browser(name: str, *parts: Any) -> None:
        function = ClientsideFunction("fmd", name)
        app.clientside_callback(function, *parts, prevent_initial_call=True)

    in_browser(
        "select",
        Output("url", "search"),
        Input("service", "value"),
        Input("version", "value"),
        Input("range", "value"),
        Input("days", "value"),
        State("url", "search"),
    )
    in_browser(
        "report",
        Output("url", "search", allow_duplicate=True),
        Input({"type": "report", "part": ALL, "was": ALL}, "value"),
        State({"type": "report", "part": ALL, "was": ALL}, "id"),
        State("url", "search"),
    )
    in_browser(
        "scheme",
        Output("provider", "forceColorScheme"),
        Output("scheme", "children"),
        Output("repaint", "data"),
        Input("scheme", "n_clicks"),
        State("provider", "forceColorScheme"),
    )
    in_browser("live", Output("live", "disabled"), Input("live-switch", "checked"))
    in_browser(
        "burger", Output("shell", "navbar"), Input("burger", "opened"), State("shell", "navbar")
    )
    # Zoom, hidden traces and levels are the browser's: Dash writes them into the figure that it
    # shows, so that `uirevision` alone would lose them.
    in_browser(
        "freshen",
        Output({"type": "graph", "view": MATCH}, "figure"),
        Output({"type": "graph", "view": MATCH}, "style"),
        Input({"type": "fresh", "view": MATCH}, "data"),
        State({"type": "fresh", "view": MATCH}, "id"),
    )
    in_browser(
        "columns",
        Output({"type": "grid", "view": MATCH}, "columnDefs"),
        Input({"type": "columns", "view": MATCH}, "value"),
        State({"type": "grid", "view": MATCH}, "columnDefs"),
    )
    in_browser(
        "png",
        Output({"type": "png", "view": MATCH}, "n_clicks"),
        Input({"type": "png", "view": MATCH}, "n_clicks"),
        State({"type": "png", "view": MATCH}, "id"),
    )
    in_browser(
        "search",
        Output({"type": "grid", "view": MATCH}, "dashGridOptions"),
        Input({"type": "search", "view": MATCH}, "value"),
        State({"type": "grid", "view": MATCH}, "dashGridOptions"),
    )
