"""All of `/api/v1`, registered at the root of the dashboard."""

from __future__ import annotations

from flask import Flask

from otel_fmd.config import Settings
from otel_fmd.queries.snapshot import Reader
from otel_fmd.views.look import Process
from otel_fmd.web.api import PATH, changing, exceptions, exporting, reading
from otel_fmd.web.api.reference import reference_blueprint
from otel_fmd.web.api.route import Route, blueprint
from otel_fmd.web.route_context import RouteContext

ROUTES: tuple[Route, ...] = (
    *reading.ROUTES,
    *exceptions.READING,
    *exporting.ROUTES,
    *changing.ROUTES,
    *exceptions.CHANGING,
)


def register_api(app: Flask, reader: Reader, settings: Settings, process: Process) -> None:
    """Register every route, and the reference.

    Args:
        app: the dashboard's application.
        reader: the database.
        settings: in force.
        process: what this process knows.
    """
    app.register_blueprint(reference_blueprint(ROUTES), url_prefix=PATH)
    app.register_blueprint(
        blueprint(ROUTES, RouteContext(reader, settings, process)), url_prefix=PATH
    )
