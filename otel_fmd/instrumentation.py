"""Two lines for a Flask app: `import otel_fmd; otel_fmd.instrument(app)`.

Standard OpenTelemetry Flask instrumentation (if it is not on already), our span processor, and an
exporter where the app has none.
"""

from __future__ import annotations

import functools
import logging
import os
from typing import Any

import flask
from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider

from otel_fmd import config, watching
from otel_fmd.agent.boundary import RequestBoundary
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.arguments import check_arguments
from otel_fmd.errors import ConfigurationError
from otel_fmd.otlp_target import otlp_target
from otel_fmd.termination import flush_at_sigterm
from otel_fmd.watching import Place

_log = logging.getLogger(__name__)


class Instrumentation:
    """What `instrument` did; `uninstrument` undoes it.

    Other middleware stays in place, with an inert layer of ours below it.
    """

    def __init__(self, app: Flask, place: Place) -> None:
        self._app = app
        self._place = place
        self._boundary = RequestBoundary(app, app.wsgi_app, place.processor)
        app.wsgi_app = self._boundary  # type: ignore[method-assign]
        self._unmount: Any = None
        place.apps.add(app)

    @property
    def processor(self) -> FmdSpanProcessor:
        """The processor that watches the app's requests."""
        return self._place.processor

    @property
    def provider(self) -> TracerProvider:
        """The provider of its spans."""
        return self._place.provider

    def mount_dashboard(self, settings: config.Settings) -> None:
        """Show the dashboard at the app's `dashboard_path`."""
        from otel_fmd.mount import MountedDashboard

        inner = self._app.wsgi_app
        mounted = MountedDashboard(inner, settings, self._app)
        self._app.wsgi_app = mounted  # type: ignore[method-assign]

        def unmount() -> None:
            if self._app.wsgi_app is mounted:
                self._app.wsgi_app = inner  # type: ignore[method-assign]
            mounted.close()

        self._unmount = unmount

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every ended request is durable; False when some was not stored."""
        return self.provider.force_flush(timeout_millis)

    def uninstrument(self) -> None:
        """Stop watching this app, and exporting once no app of its place is left."""
        if self._unmount is not None:
            self._unmount()
            self._unmount = None
        app, boundary = self._app, self._boundary
        boundary.is_off = True
        if app.wsgi_app is boundary:
            app.wsgi_app = boundary.wsgi_app  # type: ignore[assignment, method-assign]
            if self._place.instruments and hasattr(app, "_original_wsgi_app"):
                # (With others' layers around ours it would take those away.)
                FlaskInstrumentor.uninstrument_app(app)
        self._place.apps.discard(app)
        self._place.processor.apps.discard(app)
        if not self._place.apps:
            self._place.close()


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

    A second app of the process shares what the first one has when all is the same for both; else it
    has a place of its own.

    Args:
        app: the app.
        database_url: where requests are stored; None: `OTEL_FMD_DATABASE_URL`, or the default. When
            the app has a tracer provider of its own, and neither is given, only our processor is
            added and the app's own exporters carry what it sees. When the standard variables name
            an OTLP endpoint, and neither is given, requests are sent there.
        group_by: a value, a function, a tuple of those, nested: what requests are grouped by.
        get_ip: gives the client's address of the current request.
        dashboard: the path at which the dashboard is mounted in this app, such as `/dashboard`.
        tracer_provider: the provider to use; None: the global one, created if there is none.
        **settings: any other setting of `otel_fmd.config.Settings`.

    Raises:
        ConfigurationError: a setting cannot be used, has no effect here, or differs from that of
            another app of the same tracer provider, or from what this app was instrumented with.
    """
    if not isinstance(app, Flask):
        raise ConfigurationError(f"app={app!r}: expected a Flask app")
    is_hooked = getattr(app, "_is_instrumented_by_opentelemetry", False)
    if not is_hooked and getattr(app, "_got_first_request", False):
        raise ConfigurationError(
            f"{app.name!r} has already served requests; call instrument() before the first one"
        )
    if dashboard is not None:
        settings["dashboard_path"] = dashboard
        if not str(dashboard).strip("/ "):
            raise ConfigurationError(
                f"dashboard={dashboard!r}: expected a path below the app's own, such as /dashboard"
            )
    if get_ip is not None and not callable(get_ip):
        raise ConfigurationError(f"get_ip={get_ip!r}: expected a function without parameters")
    found = config.load(database_url=database_url, **settings)
    check_arguments(found, settings)
    target = None
    if "database_url" not in config.sources(database_url=database_url, **settings):
        target = otlp_target(os.environ)
    if found.dashboard_path and target is not None:
        raise ConfigurationError(
            f"dashboard_path={found.dashboard_path!r}: requests are sent to {target.endpoint}; "
            "to have the dashboard in this app, set database_url"
        )
    options = {"group_by": group_by, "get_ip": get_ip}
    watching.check_again(app, found, target, options)
    place = watching.place_for(found, database_url, settings, target, tracer_provider, **options)
    if not is_hooked:
        FlaskInstrumentor().instrument_app(app, tracer_provider=place.provider)
        _first_hook(app)
    flush_at_sigterm(place)
    made = Instrumentation(app, place)
    if found.dashboard_path:
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
        if not isinstance(provider, TracerProvider):
            return
        stores = "fmd" in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")
        place = watching.automatic(settings, provider, stores=stores)
        if place is not None:
            _bound_new_apps(place.processor)
            flush_at_sigterm(place)
    except Exception:
        _log.exception("otel-fmd could not be attached; this app is not monitored")


def _first_hook(app: Flask) -> None:
    """Call OpenTelemetry's hook before the app's own: what those answer is a request, too."""
    hooks = app.before_request_funcs.get(None, [])
    own = getattr(app, "_before_request", None)
    if own in hooks:
        app.before_request_funcs[None] = [own, *(one for one in hooks if one is not own)]


def _bound_new_apps(processor: FmdSpanProcessor) -> None:
    """Put our layer around every app that is created from OpenTelemetry's class."""
    made = flask.Flask
    if not getattr(made, "_otel_fmd_bounded", False) and made.__module__ != "flask.app":
        begin = made.__init__

        @functools.wraps(begin)
        def begin_bounded(self: Flask, *args: Any, **options: Any) -> None:
            begin(self, *args, **options)
            self.wsgi_app = RequestBoundary(  # type: ignore[method-assign]
                self, self.wsgi_app, processor
            )

        made.__init__ = begin_bounded  # type: ignore[method-assign]
        made._otel_fmd_bounded = True  # type: ignore[attr-defined]
