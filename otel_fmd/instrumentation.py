"""Two lines for a Flask app: `import otel_fmd; otel_fmd.instrument(app)`.

Standard OpenTelemetry Flask instrumentation (if it is not on already), our span processor, and an
exporter where the app has none.
"""

from __future__ import annotations

import logging
import os
import weakref
from typing import Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider, sampling

from otel_fmd import config
from otel_fmd.agent.levels import Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.poller import LevelPoller
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.agent.remote_levels import RemoteLevels
from otel_fmd.agent.version import version_of
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.database.endpoints import endpoint_seeds
from otel_fmd.database.store import Store
from otel_fmd.errors import ConfigurationError
from otel_fmd.exporter import FmdSpanExporter
from otel_fmd.otlp_target import OtlpTarget, otlp_target

_log = logging.getLogger(__name__)
_instrumented: weakref.WeakKeyDictionary[TracerProvider, FmdSpanProcessor] = (
    weakref.WeakKeyDictionary()
)
"""One processor watches all apps of a provider: with two, a request would be stored twice."""


class Instrumentation:
    """What `instrument` did; `uninstrument` undoes it.

    Other people's middleware stays; an inert processor stays, too (the SDK offers no removal).
    """

    def __init__(self, app: Flask, processor: FmdSpanProcessor, provider: TracerProvider) -> None:
        self._app = app
        self._wsgi_app = app.wsgi_app
        self._unmount: Any = None
        self.processor = processor
        self.provider = provider

    def mount_dashboard(self, settings: config.Settings) -> None:
        """Show the dashboard at the app's `dashboard_path`."""
        from otel_fmd.mount import MountedDashboard

        inner = self._app.wsgi_app
        mounted = MountedDashboard(inner, settings)
        self._app.wsgi_app = mounted  # type: ignore[method-assign]

        def unmount() -> None:
            if self._app.wsgi_app is mounted:
                self._app.wsgi_app = inner  # type: ignore[method-assign]
            mounted.close()

        self._unmount = unmount

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every ended request is durable."""
        return self.provider.force_flush(timeout_millis)

    def uninstrument(self) -> None:
        """Stop watching and exporting."""
        if self._unmount is not None:
            self._unmount()
        stop = getattr(self.processor.beside, "stop", None)
        if stop is not None:
            stop()
        on_top = self._app.wsgi_app is self._wsgi_app
        if on_top and getattr(self._app, "_is_instrumented_by_opentelemetry", False):
            # It would take away what others put around the app since.
            FlaskInstrumentor.uninstrument_app(self._app)
        self.processor.shutdown()
        _instrumented.pop(self.provider, None)


def instrument(
    app: Flask,
    *,
    database_url: str | None = None,
    group_by: Any = None,
    get_ip: Any = None,
    dashboard: str | None = None,
    tracer_provider: TracerProvider | None = None,
    **settings: Any,
) -> Instrumentation:
    """Monitor a Flask app.

    Args:
        app: the app.
        database_url: where requests are stored; None: `OTEL_FMD_DATABASE_URL`, or the default. When
            the app has a tracer provider of its own, and neither is given, only our processor is
            added and the app's own exporters carry what it sees. When the standard variables name
            an OTLP endpoint, and neither is given, requests are sent there.
        group_by: a value, a function, a tuple of those, nested: what requests are grouped by.
        get_ip: gives the client's address of the current request.
        dashboard: the path at which the dashboard is mounted in this app, such as `/dashboard`.
        tracer_provider: the provider to use; None: the global one, made when there is none.
        **settings: any other setting of `otel_fmd.config.Settings`.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    if dashboard is not None:
        settings["dashboard_path"] = dashboard
    where = config.sources(database_url=database_url, **settings)
    found = config.load(database_url=database_url, **settings)
    provider = tracer_provider or trace.get_tracer_provider()
    own = not isinstance(provider, TracerProvider)
    if not isinstance(provider, TracerProvider):
        provider = _make_provider(found)
    stores = "database_url" in where
    target = None if stores else otlp_target(os.environ)
    processor = _instrumented.get(provider)
    if processor is None:
        exporter = None
        if stores or (own and target is None):
            exporter = FmdSpanExporter(found.database_url, **settings)
        elif own and target is not None:
            target.export(provider)
        processor = _watch(found, provider, exporter, target, group_by=group_by, get_ip=get_ip)
        provider.add_span_processor(processor)
        _instrumented[provider] = processor
        _warn_of_sampling(provider)
    if not getattr(app, "_is_instrumented_by_opentelemetry", False):
        FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    made = Instrumentation(app, processor, provider)
    if found.dashboard_path:
        if target is not None:
            raise ConfigurationError(
                f"dashboard_path={found.dashboard_path!r}: requests go to {target.endpoint}, where "
                "the dashboard is; to have it in this app, give database_url"
            )
        made.mount_dashboard(found)
    return made


def post_instrument() -> None:
    """Attach our processor under `opentelemetry-instrument`; an entry point calls it.

    Levels and means are read from the database where `OTEL_TRACES_EXPORTER` stores into one, else
    from the receiver that spans are sent to. Nothing raises into the app that starts.
    """
    try:
        settings = config.load()
        provider = trace.get_tracer_provider()
        if not settings.agent or not isinstance(provider, TracerProvider):
            return
        stores = "fmd" in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")
        target = None if stores else otlp_target(os.environ)
        processor = _watch(settings, provider, None, target, stores=stores)
        provider.add_span_processor(processor)
        _instrumented[provider] = processor
        _warn_of_sampling(provider)
    except Exception:
        _log.exception("otel-fmd does not watch this app")


def _make_provider(settings: config.Settings) -> TracerProvider:
    resource = Resource.create()
    version = version_of(settings.app_version, settings.git)
    if version and not resource.attributes.get("service.version"):
        resource = resource.merge(Resource({"service.version": version}))
    # What a client's `traceparent` says of sampling would hide its requests.
    sampler = None if "OTEL_TRACES_SAMPLER" in os.environ else sampling.ALWAYS_ON
    provider = TracerProvider(resource=resource, sampler=sampler)
    trace.set_tracer_provider(provider)
    return provider


def _watch(
    settings: config.Settings,
    provider: TracerProvider,
    exporter: FmdSpanExporter | None,
    target: OtlpTarget | None,
    *,
    stores: bool = False,
    **options: Any,
) -> FmdSpanProcessor:
    """A processor with its levels, and what keeps those as the server has them."""
    rule = OutlierRule(settings.outlier_detection_constant, settings.outlier_min_requests)
    levels = Levels(settings.monitor_level, rule)
    resource = provider.resource.attributes
    version = ""
    if not resource.get("service.version"):
        version = version_of(settings.app_version, settings.git)
    processor = FmdSpanProcessor(
        AgentOptions(
            version=version,
            default_level=settings.monitor_level,
            rule=rule,
            sampling_period_ms=settings.sampling_period_ms,
            switch_interval_ms=settings.switch_interval_ms,
            redact=settings.redact,
            keep_headers=settings.keep_headers,
            keep_environ=settings.keep_environ,
            **options,
        ),
        levels,
        exporter,
    )
    processor.tracer = provider.get_tracer("otel_fmd")
    service = str(resource.get("service.name", ""))
    url = settings.levels_url or (target.levels_url if target is not None else "")
    if exporter is not None or stores:
        store = Store(settings.database_url, settings.table_prefix)
        processor.beside = LevelPoller(lambda: endpoint_seeds(store, service), levels)
    elif url:
        remote = RemoteLevels(url, service, settings.otlp_token)
        processor.beside = LevelPoller(remote, levels)
    return processor


def _warn_of_sampling(provider: TracerProvider) -> None:
    sampler = provider.sampler.get_description()
    if sampler == sampling.ALWAYS_ON.get_description():
        return
    default: sampling.Sampler = sampling.DEFAULT_ON
    if sampler == default.get_description():
        sampler = "parentbased_always_on"  # as OTEL_TRACES_SAMPLER calls it
    _log.warning(
        "the sampler is %s: requests that it drops, or whose client sends a traceparent that "
        "says not to sample, are not seen; OTEL_TRACES_SAMPLER=always_on shows all",
        sampler,
    )
