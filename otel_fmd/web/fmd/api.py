"""All of FMD's API, registered below FMD's link."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask, Response

from otel_fmd.config import Settings
from otel_fmd.queries.snapshot import Reader
from otel_fmd.views.look import Process
from otel_fmd.web.entrance import Entrance
from otel_fmd.web.fmd import (
    deploy,
    details,
    durations,
    exceptions,
    load,
    overview,
    pruning,
    reporting,
    telemetry,
    users,
)
from otel_fmd.web.fmd.login import login_blueprint
from otel_fmd.web.fmd.route import Api, Route, blueprint, failure

LINK = "/dashboard"
"""FMD's link if it is not configured."""
GROUPS: dict[str, tuple[Route, ...]] = {
    "overview": overview.ROUTES,
    "durations": durations.ROUTES,
    "load": load.ROUTES,
    "details": details.ROUTES,
    "reporting": reporting.ROUTES,
    "exceptions": exceptions.ROUTES,
    "deploy": deploy.ROUTES,
    "users": users.ROUTES,
    "pruning": pruning.ROUTES,
    "telemetry": telemetry.ROUTES,
}
_OTHERS = ("/api/<path:path>", "/database_pruning/<path:path>", "/telemetry/<path:path>")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def register_fmd_api(
    app: Flask,
    reader: Reader,
    settings: Settings,
    process: Process,
    entrance: Entrance,
    link: str = "",
) -> None:
    """Register every route.

    Args:
        app: the dashboard's application.
        reader: the database.
        settings: in force.
        process: what this process knows.
        entrance: lets users in.
        link: below which path of the application; '' where the application is mounted there.
    """
    api = Api(reader, replace(settings, dashboard_path=link or settings.dashboard_path), process)
    for name, routes in GROUPS.items():
        key = "message" if name == "users" else "error"
        app.register_blueprint(blueprint(name, routes, api, key), url_prefix=link)
    others = blueprint("others", (), api)
    for number, rule in enumerate(_OTHERS):
        others.add_url_rule(rule, f"nothing_{number}", _nothing, methods=_METHODS)
    app.register_blueprint(others, url_prefix=link)
    if link:
        app.register_blueprint(login_blueprint(entrance), url_prefix=link)


def _nothing(path: str) -> Response:
    return failure(f"{path[:200]!r}: FMD's API has no such route", 404)
