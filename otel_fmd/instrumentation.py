"""Two lines for a Flask app: `import otel_fmd; otel_fmd.instrument(app)`.

Standard OpenTelemetry Flask instrumentation (if it is not on already), our span processor, and an
exporter where the app has none.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import weakref
from typing import Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_fmd import config
from otel_fmd.agent.levels import Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.database.endpoints import endpoint_seeds
from otel_fmd.database.store import Store
from otel_fmd.errors import OtelFmdError
from otel_fmd.exporter import FmdSpanExporter

_log = logging.getLogger(__name__)
_POLL_S = 5.0


class Instrumentation:
    """What `instrument` did; `uninstrument` undoes it.

    Other people's middleware stays; an inert processor stays, too (the SDK offers no removal).
    """

    def __init__(
        self,
        app: Flask | None,
        processor: FmdSpanProcessor,
        poller: LevelPoller | None,
        provider: TracerProvider,
    ) -> None:
        self._app = app
        self._poller = poller
        self.processor = processor
        self.provider = provider

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every ended request is durable."""
        return self.provider.force_flush(timeout_millis)

    def uninstrument(self) -> None:
        """Stop watching and exporting."""
        if self._poller is not None:
            self._poller.stop()
        if self._app is not None and getattr(self._app, "_is_instrumented_by_opentelemetry", False):
            FlaskInstrumentor.uninstrument_app(self._app)
        self.processor.shutdown()


class LevelPoller:
    """Reads monitor levels and means from the database every few seconds, in a thread of its own.

    When the database is away the last known levels stay. The thread starts with the first request
    that a process serves, never at import: a parent that forks workers must not be in the middle of
    a database call, or the child would inherit a lock that nobody releases.
    """

    def __init__(self, store: Store, service: str, levels: Levels) -> None:
        self._store = store
        self._service = service
        self._levels = levels
        self._stopping = threading.Event()
        self.running = False
        if hasattr(os, "register_at_fork"):
            me = weakref.ref(self)

            def in_child() -> None:
                poller = me()
                if poller is not None and not poller._stopping.is_set():
                    poller._stopping = threading.Event()
                    poller.running = False

            os.register_at_fork(after_in_child=in_child)

    def start(self) -> None:
        """Start the thread; the processor does so at the first request of a process."""
        if not self._stopping.is_set():
            self.running = True
            threading.Thread(target=self._run, name="otel-fmd-levels", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self.running = True

    def _run(self) -> None:
        while True:
            try:
                self._levels.seed(endpoint_seeds(self._store, self._service))
            except OtelFmdError as error:
                _log.debug("levels were not read: %s", error)
            except Exception:
                _log.exception("levels were not read; tried again")
            if self._stopping.wait(_POLL_S * random.uniform(0.8, 1.2)):  # noqa: S311
                return


def instrument(
    app: Flask,
    *,
    database_url: str | None = None,
    group_by: Any = None,
    get_ip: Any = None,
    redact: tuple[str, ...] = (),
    keep_headers: bool = True,
    keep_environ: bool = True,
    tracer_provider: TracerProvider | None = None,
    **settings: Any,
) -> Instrumentation:
    """Monitor a Flask app.

    Args:
        app: the app.
        database_url: where requests are stored; None: `OTEL_FMD_DATABASE_URL`, or the default. When
            the app has a tracer provider of its own, and neither is given, only our processor is
            added and the app's own exporters carry what it sees.
        group_by: a value, a function, a tuple of those, nested: what requests are grouped by.
        get_ip: gives the client's address of the current request.
        redact: further names of headers and values that are secrets.
        keep_headers: whether outliers carry the request's headers.
        keep_environ: whether they carry the WSGI environment.
        tracer_provider: the provider to use; None: the global one, made when there is none.
        **settings: any other setting of `otel_fmd.config.Settings`.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    found = config.load(database_url=database_url, **settings)
    provider = tracer_provider or trace.get_tracer_provider()
    own = not isinstance(provider, TracerProvider)
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(resource=Resource.create())
        trace.set_tracer_provider(provider)
    exporter = poller = None
    if own or database_url is not None or "OTEL_FMD_DATABASE_URL" in os.environ:
        exporter = FmdSpanExporter(found.database_url, **settings)
    processor, levels = _processor(
        found,
        exporter,
        group_by=group_by,
        get_ip=get_ip,
        redact=redact,
        keep_headers=keep_headers,
        keep_environ=keep_environ,
    )
    provider.add_span_processor(processor)
    if exporter is not None:
        store = Store(found.database_url, found.table_prefix)
        service = str(provider.resource.attributes.get("service.name", ""))
        poller = LevelPoller(store, service, levels)
        processor.beside = poller
    if not getattr(app, "_is_instrumented_by_opentelemetry", False):
        FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    return Instrumentation(app, processor, poller, provider)


def post_instrument() -> None:
    """Attach our processor under `opentelemetry-instrument`; an entry point calls it.

    Levels and means are read from the database where `OTEL_TRACES_EXPORTER` stores into one.
    Nothing raises into the app that starts.
    """
    try:
        settings = config.load()
        provider = trace.get_tracer_provider()
        if not settings.agent or not isinstance(provider, TracerProvider):
            return
        processor, levels = _processor(settings)
        provider.add_span_processor(processor)
        if "fmd" in os.environ.get("OTEL_TRACES_EXPORTER", "").split(","):
            store = Store(settings.database_url, settings.table_prefix)
            service = str(provider.resource.attributes.get("service.name", ""))
            processor.beside = LevelPoller(store, service, levels)
    except Exception:
        _log.exception("otel-fmd does not watch this app")


def _processor(
    settings: config.Settings, sink: FmdSpanExporter | None = None, **options: Any
) -> tuple[FmdSpanProcessor, Levels]:
    rule = OutlierRule(settings.outlier_detection_constant, settings.outlier_min_requests)
    levels = Levels(settings.monitor_level, rule)
    processor = FmdSpanProcessor(
        AgentOptions(
            default_level=settings.monitor_level,
            rule=rule,
            sampling_period_ms=settings.sampling_period_ms,
            switch_interval_ms=settings.switch_interval_ms,
            **options,
        ),
        levels,
        sink,
    )
    return processor, levels
