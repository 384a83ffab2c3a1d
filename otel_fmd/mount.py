"""The dashboard inside the monitored app, at a path of its own.

It is put around the app's WSGI callable, outside of its instrumentation: its requests are not
traced, and the app's sessions, error handlers and URL map are not touched. It is made with the
first request to it, in each process: a parent that forks workers has no connection of ours open.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from otel_fmd.config import Settings
from otel_fmd.database.schema import ensure_schema
from otel_fmd.database.store import Store
from otel_fmd.errors import ConfigurationError, OtelFmdError

_log = logging.getLogger(__name__)
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MountedDashboard:
    """A WSGI application: the dashboard below its path, the app elsewhere.

    Args:
        app: the monitored app.
        settings: what holds; `dashboard_path` says where.

    Raises:
        ConfigurationError: the packages of the dashboard are not installed.
    """

    def __init__(self, app: WsgiApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._path = settings.dashboard_path
        self._dashboard: WsgiApp | None = None
        self._store: Store | None = None
        self._making = threading.Lock()
        try:
            import dash_app.app  # noqa: F401 - to say at once when it is missing
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"dashboard_path={self._path!r} needs {error.name!r}: "
                "pip install 'otel-fmd[server]'"
            ) from None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ.get("PATH_INFO", "")
        if path != self._path and not path.startswith(f"{self._path}/"):
            return self._app(environ, start_response)
        root = environ.get("SCRIPT_NAME", "") + self._path
        if path == self._path:
            start_response("308 Permanent Redirect", [("Location", f"{root}/")])
            return [b""]
        try:
            dashboard = self._dashboard or self._make(f"{root}/")
        except OtelFmdError as error:
            _log.warning("the dashboard could not be made: %s", error)
            body = b"The database cannot be reached; please try again.\n"
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
            start_response("503 Service Unavailable", headers)
            return [body]
        inner = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path.removeprefix(self._path)}
        return dashboard(inner, start_response)

    def __getattr__(self, name: str) -> Any:
        # What looks for something of the wrapped callable finds it.
        return getattr(self._app, name)

    def close(self) -> None:
        """Close the dashboard's connections."""
        if self._store is not None:
            self._store.close()

    def _make(self, prefix: str) -> WsgiApp:
        from dash_app.app import create_app
        from otel_fmd.database.users import Users

        with self._making:
            if self._dashboard is None:
                settings = self._settings
                store = Store(settings.database_url, settings.table_prefix)
                ensure_schema(store)
                made = Users(store).ensure_admin(settings.admin_username, settings.admin_password)
                if made is not None:
                    _log.warning("first start: user %s, password %s", settings.admin_username, made)
                self._dashboard = create_app(store, settings, _no_counters, prefix)
                self._store = store
            return self._dashboard


def _no_counters() -> Mapping[str, int]:
    return {}
