"""Creates the dashboard: a Flask application with the Dash app in it, behind a login."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from dash import Dash, _get_paths, _pages, set_props
from dash.exceptions import DependencyException
from flask import Flask, Response, abort, has_request_context, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from dash_app import browser, live, routing, shell
from dash_app.callback_shape import check_shape
from dash_app.components.states import failure
from dash_app.context import Context, make_context
from dash_app.pages import PAGES
from otel_fmd._version import __version__
from otel_fmd.config import Settings
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.sessions import Sessions
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.look import Process
from otel_fmd.web import proxy
from otel_fmd.web.api import PATH
from otel_fmd.web.api.api import register_api
from otel_fmd.web.api.problems import failed
from otel_fmd.web.bearers import bearers
from otel_fmd.web.cookies import SCHEME
from otel_fmd.web.entrance import Entrance
from otel_fmd.web.failures import handle_failures, logged
from otel_fmd.web.fmd.api import LINK, register_fmd_api
from otel_fmd.web.health import health_blueprint
from otel_fmd.web.login_page import LoginWords
from otel_fmd.web.logins import register_logins
from otel_fmd.web.metrics import Expose, metrics_blueprint
from otel_fmd.web.security import CONTENT_POLICY, content_policy, current_actor, protect

_ANYWHERE = "/_otel_fmd_anywhere_/"
"""Placeholder in Dash's pages for the path of the dashboard, which depends on the request."""

_INDEX = """<!DOCTYPE html>
<html lang="en" data-ag-theme-mode="{scheme}">
  <head>
    {{%metas%}}
    <title>{{%title%}}</title>
    <link rel="icon" href="data:,">
    <link rel="preload" href="/_otel_fmd_anywhere_/_dash-layout" as="fetch" crossorigin>
    <link rel="preload" href="/_otel_fmd_anywhere_/_dash-dependencies" as="fetch" crossorigin>
    {{%css%}}
  </head>
  <body>
    {{%app_entry%}}
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>"""


def _keep_assets(response: Response) -> Response:
    """Asset URLs contain their modification time, so browsers may cache them for good."""
    if request.path.startswith("/assets/") and "m" in request.args:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _no_such_file(_error: Exception) -> ResponseReturnValue:
    """What becomes of the name of a component library, or of a file in it, that there is not."""
    return Response("There is no such file.\n", 404, mimetype="text/plain")


def _login_words(settings: Settings) -> LoginWords:
    return LoginWords(
        settings.title_name or settings.brand_name,
        settings.brand_name if settings.show_login_banner else "",
        settings.description if settings.show_login_banner else "",
        f"otel-fmd {__version__}" if settings.show_login_footer else "",
    )


class _Dashboard(Dash):  # type: ignore[misc]
    """Dash, with the colour scheme from the browser's cookie in the page, served at any path."""

    def interpolate_index(self, **parts: Any) -> str:
        text: str = super().interpolate_index(**parts)
        scheme = "dark" if request.cookies.get(SCHEME) == "dark" else "light"
        text = text.replace("{scheme}", scheme).replace(_ANYWHERE, proxy.prefix())
        # In Dash's JSON a slash is escaped.
        return text.replace(_in_json(_ANYWHERE), _in_json(proxy.prefix()))


def _in_json(path: str) -> str:
    return path.replace("/", "\\u002f")


def _make_dash(*arguments: Any, **options: Any) -> _Dashboard:
    """A Dash app that leaves Dash's module state to the monitored application's own Dash app."""
    kept = [(module, module.CONFIG) for module in (_get_paths, _pages)]
    made = _Dashboard(*arguments, **options)
    for module, config in kept:
        module.CONFIG = config
    return made


def _callback_failed(error: Exception) -> None:
    """What becomes of an exception in a callback: a notice, and everything else stays as it is."""
    if isinstance(error, HTTPException | OtelFmdError):
        raise error
    set_props("problem", {"children": failure(logged("a callback", error))})


def _untraced(server: Flask) -> Flask:
    """A new Flask app without the hooks that were added to every Flask app.

    `opentelemetry-instrument` traces every Flask app; the dashboard must not be traced.

    (`FlaskInstrumentor.uninstrument_app` fails on an app whose class was patched.)
    """
    server.__dict__.pop("wsgi_app", None)
    server.before_request_funcs.clear()
    server.teardown_request_funcs.clear()
    return server


def create_app(
    store: Store,
    settings: Settings,
    process: Process,
    api_link: str = LINK,
    metrics: Expose | None = None,
) -> Flask:
    """The dashboard's WSGI application; SCRIPT_NAME says at which path it is reached.

    Args:
        store: the database, with its schema in place.
        settings: brand, time zone, colours.
        process: the counters and refusals of this process.
        api_link: below which path FMD's API is; '' where the application is mounted at FMD's link.
        metrics: what `/metrics` shows; None: no such path.

    Raises:
        ConfigurationError: the file of OpenID Connect providers cannot be used, or nobody could log
            in.
    """
    sessions = Sessions(store)
    server = _untraced(Flask("otel_fmd_dashboard", static_folder=None))
    server.config.update(
        MAX_CONTENT_LENGTH=2 * 2**20,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
    )
    handle_failures(server, {PATH: failed})
    server.register_error_handler(DependencyException, _no_such_file)
    protect(server, sessions, bearers(store, settings.security_token))
    server.after_request(_keep_assets)
    entrance = Entrance(store, sessions, passwords=settings.password_login)
    register_logins(server, store, settings, entrance, _login_words(settings))
    server.register_blueprint(health_blueprint(store))
    if metrics is not None:
        server.register_blueprint(metrics_blueprint(metrics))
    reader = Reader(store)
    register_api(server, reader, settings, process)
    register_fmd_api(server, reader, settings, process, entrance, api_link)
    app = _make_dash(
        "dash_app",
        server=server,
        compress=True,
        # With `flask[async]` in the monitored app, Dash would run an event loop for each callback.
        use_async=False,
        on_error=_callback_failed,
        requests_pathname_prefix=_ANYWHERE,
        routes_pathname_prefix="/",
        title=settings.title_name or settings.brand_name,
        update_title=None,
        suppress_callback_exceptions=True,
        index_string=_INDEX.replace("{{", "{").replace("}}", "}"),
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )

    def make(address: str, search: str) -> Context:
        if not isinstance(address, str) or not isinstance(search, str | None):
            abort(400, "an address must be a string")
        prefix = proxy.prefix()
        path = "/" + unquote(address).removeprefix(unquote(prefix)).lstrip("/")
        context = make_context(
            reader,
            path=path,
            search=search,
            cookies=request.cookies,
            actor=current_actor(),
            settings=settings,
            prefix=prefix,
            process=process,
            host=urlsplit(f"//{request.host}").hostname or "localhost",
        )
        found = routing.find_page(path)
        return context if found is None else context.at(found[1])

    def layout() -> Any:
        if not has_request_context():
            return shell.shell(settings.brand_name, False, "/")
        prefix = proxy.prefix()
        dark = request.cookies.get(SCHEME) == "dark"
        frame = shell.shell(settings.brand_name, dark, prefix)
        asked_from = urlsplit(request.referrer or "")
        if asked_from.netloc == request.host:
            # The browser says which page it is loading, so its content comes with the layout and
            # saves a round trip. Otherwise the router fills the shell.
            search = f"?{asked_from.query}" if asked_from.query else ""
            shown = routing.show(make(asked_from.path, search))
            shell.fill(frame, asked_from.path, search, *shown)
        return frame

    app.layout = layout
    routing.register(app, make)
    live.register(app, make)
    browser.register(app)
    for page in PAGES:
        if page.register is not None:
            page.register(app, make)
    check_shape(app)
    server.config[CONTENT_POLICY] = content_policy(app.renderer)
    return server
