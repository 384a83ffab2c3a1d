"""The dashboard inside the monitored app, at a path of its own.

It wraps the app's WSGI callable, outside of its instrumentation: its requests are not traced, and
the app's sessions, error handlers and URL map are not touched. Each process creates it, and imports
its libraries, on the first request to it: a worker that never serves the dashboard pays nothing for
it, and a parent that forks workers has no open connection of ours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flask import Flask
from opentelemetry.instrumentation.utils import suppress_instrumentation
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from otel_fmd.config import Settings, login_providers
from otel_fmd.dashboard_package import NEEDED, check_dashboard_package
from otel_fmd.errors import ConfigurationError, OtelFmdError

if TYPE_CHECKING:
    from otel_fmd.views.look import Rule

_log = logging.getLogger(__name__)
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MountedDashboard:
    """A WSGI application: the dashboard below its path, the app elsewhere.

    Args:
        app: the monitored app's WSGI callable.
        settings: the settings in force; `dashboard_path` is its path.
        flask_app: the monitored app, whose URL map must not have that path.

    Raises:
        ConfigurationError: the packages of the dashboard are not installed or hidden, nobody could
            log in, or the app has a rule for its path.
    """

    def __init__(self, app: WsgiApp, settings: Settings, flask_app: Flask | None = None) -> None:
        self._app = app
        self._settings = settings
        self._path = settings.dashboard_path
        self._flask_app = flask_app
        self._proxied: WsgiApp | None = None
        self._dashboard: WsgiApp | None = None
        self._store: Any = None
        self._making = threading.Lock()
        self._looked = False
        for name in NEEDED:
            if find_spec(name) is None:
                raise ConfigurationError(
                    f"dashboard_path={self._path!r} needs {name!r}: pip install 'otel-fmd[server]'"
                )
        check_dashboard_package()
        login_providers(settings)
        taken = self._own_rule()
        if taken is not None:
            raise ConfigurationError(
                f"dashboard_path={self._path!r}: the dashboard would hide the app's rule "
                f"{taken!r}; choose a path that the app does not use"
            )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Serve the dashboard below its path; the app serves the rest."""
        if not self._looked:
            self._look_once()
        path = environ.get("PATH_INFO", "")
        if path != self._path and not path.startswith(f"{self._path}/"):
            return self._app(environ, start_response)
        if self._proxied is None:
            from otel_fmd.web.proxy import BehindProxy

            self._proxied = BehindProxy(self._show, self._settings, self._path)
        with suppress_instrumentation():
            return self._proxied(environ, start_response)

    def __getattr__(self, name: str) -> Any:
        # Attributes of the wrapped callable stay accessible.
        return getattr(self._app, name)

    def close(self) -> None:
        """Close the dashboard's connections."""
        if self._store is not None:
            self._store.close()

    def _show(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        from otel_fmd.web.proxy import quoted_root

        path = environ["PATH_INFO"]
        root = environ.get("SCRIPT_NAME", "") + self._path
        if path == self._path:
            where = f"{quoted_root(root)}/"
            start_response("308 Permanent Redirect", [("Location", where)])
            return [b""]
        try:
            dashboard = self._dashboard or self._make()
        except OtelFmdError as error:
            _log.warning("the dashboard at %s could not be started: %s", self._path, error)
            return _unavailable(error.advice, start_response)
        except Exception:
            _log.exception("the dashboard at %s could not be started", self._path)
            return _unavailable(OtelFmdError.usual_advice, start_response)
        inner = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path.removeprefix(self._path)}
        return dashboard(inner, start_response)

    def _make(self) -> WsgiApp:
        with self._making:
            if self._dashboard is None:
                from dash_app.app import create_app
                from otel_fmd.people.setup import prepare_first_user
                from otel_fmd.rollups.prepare import prepare
                from otel_fmd.store.store import Store
                from otel_fmd.views.look import Process

                settings = self._settings
                store = Store(settings.database_url, settings.table_prefix)
                try:
                    prepare(store)
                    name, link = settings.admin_username, None
                    if settings.password_login:
                        link = prepare_first_user(store, name, settings.admin_password)
                    if link is not None:
                        where = settings.public_url or self._path
                        _log.warning("first start: create the first user at %s/%s", where, link)
                    self._dashboard = create_app(
                        store, settings, Process(rules=self._rules_of), api_link=""
                    )
                except BaseException:
                    store.close()
                    raise
                self._store = store
            return self._dashboard

    def _look_once(self) -> None:
        """Warn about rules that the app added later and that the dashboard hides."""
        self._looked = True
        try:
            taken = self._own_rule() or self._matching_rule()
        except Exception:
            _log.exception("the app's URL map could not be read")
            return
        if taken is not None:
            _log.warning(
                "the dashboard at %s hides the rule %r of the app; choose another dashboard_path",
                self._path,
                taken,
            )

    def _own_rule(self) -> str | None:
        """A rule of the app for our path, or below it."""
        rules = () if self._flask_app is None else self._flask_app.url_map.iter_rules()
        for rule in rules:
            if rule.rule.rstrip("/") == self._path or rule.rule.startswith(f"{self._path}/"):
                return rule.rule
        return None

    def _rules_of(self, endpoint: str) -> list[Rule]:
        """The rules of the app for an endpoint."""
        from otel_fmd.views.look import Rule

        if self._flask_app is None:
            return []
        found = self._flask_app.url_map.iter_rules()
        return [
            Rule(rule.rule, sorted(rule.methods or ()), bool(rule.arguments))
            for rule in found
            if rule.endpoint == endpoint
        ]

    def _matching_rule(self) -> str | None:
        """A rule of the app with placeholders that also matches our path."""
        if self._flask_app is None:
            return None
        try:
            rule, _ = self._flask_app.url_map.bind("localhost").match(self._path, return_rule=True)
        except RequestRedirect:
            return f"{self._path}/"
        except HTTPException:
            return None
        return rule.rule


def _unavailable(advice: str, start_response: Callable[..., Any]) -> list[bytes]:
    body = f"{advice}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    start_response("503 Service Unavailable", headers)
    return [body]
