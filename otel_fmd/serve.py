"""`otel-fmd serve`: receiver and dashboard in one process, on ports that were free."""

from __future__ import annotations

import gc
import logging
import socket
import threading
from typing import Any

from waitress.server import create_server

from otel_fmd.config import Settings
from otel_fmd.database.schema import ensure_schema
from otel_fmd.database.store import Store
from otel_fmd.database.users import Users
from otel_fmd.errors import ConfigurationError
from otel_fmd.exporter import pipeline_settings
from otel_fmd.maintenance import Maintenance
from otel_fmd.otlp.grpc_server import OtlpGrpcServer
from otel_fmd.otlp.http_app import OtlpHttpApp
from otel_fmd.otlp.http_server import OtlpHttpServer
from otel_fmd.otlp.service import Limits, ReceiverCounters
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.receiver.intake import PipelineIntake
from otel_fmd.receiver.pages import ReceiverPages

_log = logging.getLogger(__name__)
_DASHBOARD_THREADS = 8


class Server:
    """Everything that `serve` runs.

    Args:
        settings: what holds.

    Raises:
        ConfigurationError: a port is taken, or the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.receiver and not settings.dashboard:
            raise ConfigurationError("neither receiver nor dashboard is to be started")
        self._settings = settings
        self.store = Store(settings.database_url, settings.table_prefix)
        ensure_schema(self.store)
        self.first_user = settings.admin_username
        self.generated_password = Users(self.store).ensure_admin(
            settings.admin_username, settings.admin_password
        )
        self.pipeline = Pipeline(self.store, pipeline_settings(settings, retry=False))
        self.received = ReceiverCounters()
        self._maintenance = Maintenance(self.store, settings, lambda: self.pipeline.last_error)
        self._http: OtlpHttpServer | None = None
        self._grpc: OtlpGrpcServer | None = None
        self._dashboard: Any = None
        self.addresses: dict[str, str] = {}
        if settings.receiver:
            self._make_receiver()
        if settings.dashboard:
            self._make_dashboard()

    def start(self) -> None:
        """Start; when it returns, all ports accept."""
        quiet_garbage_collector()
        self.pipeline.start_folding()
        self._maintenance.start()
        if self._http is not None:
            self._http.start()
        if self._grpc is not None:
            self._grpc.start()
        if self._dashboard is not None:
            thread = threading.Thread(
                target=self._dashboard.run, name="otel-fmd-dashboard", daemon=True
            )
            thread.start()

    def stop(self) -> None:
        """Refuse what is new, store and answer what was accepted, close."""
        grace_s = self._settings.grace_seconds
        stops = [part.stop for part in (self._grpc, self._http) if part is not None]
        threads = [threading.Thread(target=stop) for stop in stops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._dashboard is not None:
            self._dashboard.close()
        self._maintenance.stop()
        if not self.pipeline.stop(grace_s):
            _log.error("%d requests were not stored", self.pipeline.waiting)
        self.store.close()

    def _make_receiver(self) -> None:
        settings = self._settings
        limits = Limits(settings.max_body_bytes, settings.max_body_bytes)
        intake = PipelineIntake(self.pipeline)
        pages = ReceiverPages(self.store, self.pipeline, self.received, settings.otlp_token)
        app = OtlpHttpApp(
            intake,
            limits,
            self.received,
            pages.by_path(),
            settings.allowed_origins,
            settings.otlp_token,
        )
        bound = _bind(settings.host, settings.otlp_http_port, "otlp_http_port")
        self._http = OtlpHttpServer(app, bound, settings.grace_seconds)
        try:
            self._grpc = OtlpGrpcServer(
                intake,
                limits,
                self.received,
                settings.host,
                settings.otlp_grpc_port,
                settings.grace_seconds,
                settings.otlp_token,
            )
        except OSError:
            port = settings.otlp_grpc_port
            raise _taken("otlp_grpc_port", settings.host, port, "the port is taken") from None
        self.addresses["otlp-http"] = _url("http", settings.host, self._http.port)
        self.addresses["otlp-grpc"] = _url("http", settings.host, self._grpc.port)

    def _make_dashboard(self) -> None:
        # The dashboard's libraries take half a second to import: only who shows it pays.
        from dash_app.app import create_app
        from otel_fmd.api.proxy import BehindProxy

        settings = self._settings
        bound = _bind(settings.host, settings.dashboard_port, "dashboard_port")
        app = create_app(self.store, settings, self.pipeline.counters.as_dict)
        self._dashboard = create_server(
            BehindProxy(app, settings.url_prefix, settings.trusted_proxies),
            sockets=[bound],
            threads=_DASHBOARD_THREADS,
            ident=None,
            # `BehindProxy` takes away what nobody trusted says.
            clear_untrusted_proxy_headers=False,
        )
        self.addresses["dashboard"] = _url("http", settings.host, bound.getsockname()[1])


def quiet_garbage_collector() -> None:
    """Let the collector leave alone what is there to stay, and look less often at what comes.

    Requests are tuples in no cycles: they go when the last reference goes. Looking at each of them
    a few times costs a tenth of storing it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _bind(host: str, port: int, name: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only where the protocol is named: without it, whatever
        # is answered in two writes waits 40 ms for the client's delayed acknowledgement.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        raise _taken(name, host, port, error.strerror or str(error)) from None
    return bound


def _taken(name: str, host: str, port: int, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name}={port}: cannot listen on {host}:{port} ({why.lower()}); "
        "give another port, or 0 for a free one"
    )


def _url(scheme: str, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"
