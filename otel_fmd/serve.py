"""`otel-fmd serve`: receiver and dashboard in one process, on ports that were free."""

from __future__ import annotations

import ctypes
import gc
import logging
import threading
from dataclasses import replace

from otel_fmd.background.maintenance import Maintenance
from otel_fmd.config import Settings
from otel_fmd.dashboard_package import check_dashboard_package
from otel_fmd.errors import ConfigurationError
from otel_fmd.exporter import log_limits, open_pipeline, translator
from otel_fmd.ingest.endpoint_counts import EndpointCounts
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.ingest.points import batch_of_points
from otel_fmd.ingest.request_batches import RequestBatches
from otel_fmd.ingest.url_maps import UrlMaps
from otel_fmd.listening import bind, certificates_of, exposures, taken, url_of
from otel_fmd.metrics.endpoints import EndpointMetrics
from otel_fmd.metrics.exposition import Exposition
from otel_fmd.metrics.health import HealthMetrics
from otel_fmd.metrics.received import ReceiverMetrics, Receiving
from otel_fmd.otlp.flight import Flight
from otel_fmd.otlp.grpc_server import OtlpGrpcServer
from otel_fmd.otlp.http_app import OtlpHttpApp
from otel_fmd.otlp.http_guard import Guard
from otel_fmd.otlp.http_server import HttpServer
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import Limits, ReceiverCounters
from otel_fmd.otlp.signals.logs import LOGS
from otel_fmd.otlp.signals.metrics import METRICS
from otel_fmd.otlp.signals.traces import TRACES
from otel_fmd.people.setup import prepare_first_user
from otel_fmd.receiver.intake import PipelineIntake, Translate
from otel_fmd.receiver.metrics_page import MetricsPage
from otel_fmd.receiver.pages import ReceiverPages
from otel_fmd.receiver.senders import TokenSenders
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_MALLOC_OPTIONS = {-1: 128 * 1024, -3: 32 * 1024, -8: 2}
"""`M_TRIM_THRESHOLD`, `M_MMAP_THRESHOLD` and `M_ARENA_MAX` of glibc."""


class Server:
    """Everything that `serve` runs.

    Args:
        settings: the settings in force.

    Raises:
        ConfigurationError: a port is taken, or the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.receiver and not settings.dashboard:
            raise ConfigurationError(
                "nothing to serve: both the receiver and the dashboard are switched off"
            )
        self._settings = settings
        self._certificates = certificates_of(settings)
        self._scheme = "https" if self._certificates else "http"
        self.store = Store(settings.database_url, settings.table_prefix)
        prepare(self.store)
        self.setup_address = ""
        """Where the first user is created; '' if there are users."""
        self._counts = EndpointCounts()
        self.pipeline = open_pipeline(self.store, settings, retry=False, counts=self._counts)
        self.received = ReceiverCounters()
        self._maintenance = Maintenance(self.store, settings, lambda: self.pipeline.last_error)
        self.refusals = Refusals()
        self._flight = Flight(settings.max_bytes_in_flight)
        self._metrics = self._exposition()
        self._http: HttpServer | None = None
        self._grpc: OtlpGrpcServer | None = None
        self._senders: TokenSenders | None = None
        self._dashboard: HttpServer | None = None
        self.addresses: dict[str, str] = {}
        if settings.receiver:
            self._make_receiver()
        if settings.dashboard:
            self._make_dashboard()

    def start(self) -> None:
        """Start; when it returns, all ports accept."""
        for sentence in exposures(self._settings):
            _log.warning(
                "listening on %s: %s (or OTEL_FMD_INSECURE=true, --insecure, if it is intended)",
                self._settings.host,
                sentence,
            )
        quiet_garbage_collector()
        quiet_allocator()
        self.pipeline.start_folding()
        self._maintenance.start()
        if self._senders is not None:
            self._senders.start()
        if self._http is not None:
            self._http.start()
        if self._grpc is not None:
            self._grpc.start()
        if self._dashboard is not None:
            self._dashboard.start()

    def stop(self) -> None:
        """Refuse what is new, store and answer what was accepted, close.

        The threads are no `Job`s: they stop the servers side by side, once.
        """
        grace_s = self._settings.grace_seconds
        parts = (self._grpc, self._http, self._dashboard)
        stops = [part.stop for part in parts if part is not None]
        threads = [threading.Thread(target=stop) for stop in stops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._maintenance.stop()
        if self._senders is not None:
            self._senders.stop()
        if not self.pipeline.stop(grace_s):
            _log.error("%d requests were not stored", self.pipeline.waiting)
        self.store.close()

    def _exposition(self) -> Exposition:
        """The metrics of this process; without a receiver, only how it is."""
        health = HealthMetrics(self.store, self.pipeline.can_store)
        if not self._settings.receiver:
            return Exposition(health)
        receiving = Receiving(self.pipeline, self.received, self.refusals, self._flight)
        return Exposition(health, ReceiverMetrics(receiving), EndpointMetrics(self._counts))

    def _make_receiver(self) -> None:
        settings = self._settings
        limits = Limits(
            settings.max_body_bytes,
            settings.max_body_bytes,
            settings.max_spans_per_body,
            settings.max_bytes_in_flight,
            settings.max_connections,
        )
        intake = PipelineIntake(self.pipeline, translations(settings))
        senders = TokenSenders(self.store, settings.otlp_token, required=settings.require_token)
        self._senders = senders
        flight, refusals = self._flight, self.refusals
        most = settings.max_endpoints // 2
        maps = UrlMaps(self.store, settings.rename, settings.monitor_level, most)
        metrics = MetricsPage(self._metrics, senders.may_read)
        pages = ReceiverPages(self.store, self.pipeline, metrics, senders, maps)
        app = OtlpHttpApp(
            intake,
            limits,
            self.received,
            pages.by_path(),
            settings.allowed_origins,
            senders,
            flight,
            refusals,
            pages.posts(),
        )
        bound = bind(settings.host, settings.otlp_http_port, "otlp_http_port")
        guard = Guard(
            flight,
            lambda path, status, address: refusals.add("http", path, str(status), address),
            connections=settings.max_connections,
        )
        certificates = self._certificates
        self._http = HttpServer(
            app, bound, settings.grace_seconds, guard, certificates=certificates
        )
        try:
            self._grpc = OtlpGrpcServer(
                intake,
                limits,
                self.received,
                settings.host,
                settings.otlp_grpc_port,
                settings.grace_seconds,
                senders,
                flight,
                refusals,
                certificates=certificates,
            )
        except OSError:
            port = settings.otlp_grpc_port
            raise taken("otlp_grpc_port", settings.host, port, "the port is taken") from None
        self.addresses["otlp-http"] = url_of(self._scheme, settings.host, self._http.port)
        self.addresses["otlp-grpc"] = url_of(self._scheme, settings.host, self._grpc.port)

    def _counters(self) -> dict[str, int]:
        """Counters for the configuration page."""
        return self.pipeline.counters.as_dict()

    def _make_dashboard(self) -> None:
        check_dashboard_package()
        # The dashboard's libraries take half a second to import: only if it is served.
        from dash_app.app import create_app
        from otel_fmd.dashboard_server import dashboard_server
        from otel_fmd.views.look import Process, Refusal
        from otel_fmd.web.fmd.api import LINK
        from otel_fmd.web.proxy import BehindProxy

        # The actual port: the dashboard shows where to send spans to.
        port = self._http.port if self._http is not None else self._settings.otlp_http_port
        settings = replace(self._settings, otlp_http_port=port, dashboard_path="")
        bound = bind(settings.host, settings.dashboard_port, "dashboard_port")
        refused = self.refusals

        def refusals() -> list[Refusal]:
            return [Refusal(*one[:5], int(one.last * 1e6)) for one in refused.senders()]

        api_link = self._settings.dashboard_path or LINK
        process = Process(self._counters, refusals)
        app = create_app(self.store, settings, process, api_link, self._metrics)
        self._dashboard = dashboard_server(
            BehindProxy(app, settings),
            bound,
            settings.grace_seconds,
            settings.max_connections,
            self._certificates,
        )
        self.addresses["dashboard"] = url_of(self._scheme, settings.host, bound.getsockname()[1])
        if not settings.password_login:
            return
        link = prepare_first_user(self.store, settings.admin_username, settings.admin_password)
        if link is not None:
            local = self.addresses["dashboard"] + settings.url_prefix
            self.setup_address = f"{settings.public_url or local}/{link}"


def translations(settings: Settings) -> dict[str, Translate]:
    """The functions that build batches, by the name of each stored signal."""
    names = translator(settings)
    return {
        TRACES.name: RequestBatches(names).of_spans,
        METRICS.name: batch_of_points,
        LOGS.name: LogBatches(log_limits(settings), names).of_records,
    }


def quiet_garbage_collector() -> None:
    """Exclude permanent objects from garbage collection, and collect less often.

    Requests are tuples without cycles: they are freed with their last reference. Scanning each of
    them a few times costs a tenth of storing it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def quiet_allocator() -> None:
    """Have the C library return the memory of large bodies.

    glibc creates a heap for each thread and, once a large body was freed, reserves space for others
    of its size in them: a hundred MiB of unused memory.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _MALLOC_OPTIONS.items():
            mallopt(option, value)
