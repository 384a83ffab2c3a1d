"""Overview, endpoints, versions, status codes, monitor levels."""

from __future__ import annotations

from flask import Response

from otel_fmd.actions.levels import LEVELS, set_monitor_level
from otel_fmd.people.actor import Actor, Role
from otel_fmd.views.fmd import overview
from otel_fmd.views.fmd.names import ids_named
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.load import looking
from otel_fmd.web.fmd.bodies import field
from otel_fmd.web.fmd.route import Api, Route, reading


def _set_rule(api: Api, actor: Actor) -> Response:
    """Set the monitor level of an endpoint by its name."""
    name, value = field("name"), field("value")
    if value not in map(str, LEVELS):
        raise RequestError(f"value {value[:50]!r}: expected a monitor level, one of 0, 1, 2, 3")
    with looking(api.reader, actor, Role.WRITER, "change a monitor level") as snapshot:
        found = ids_named(snapshot, [name])[name]
    if not found:
        raise RequestError(f"name {name[:250]!r}: there is no endpoint with this name", 404)
    if len(found) > 1:
        raise RequestError(
            f"name {name[:250]!r}: several services have such an endpoint; expected `service: name`"
        )
    set_monitor_level(actor, api.store, found[0], int(value))
    return Response("OK", mimetype="text/html")


ROUTES = (
    reading("/api/overview", overview.endpoints_overview, methods=("GET", "POST")),
    reading("/api/endpoints", overview.endpoint_list),
    reading("/api/endpoints_hits", overview.endpoint_hits),
    reading("/api/endpoint_info/<int:endpoint_id>", overview.endpoint_info),
    reading("/api/versions", overview.versions),
    reading("/api/versions/<int:endpoint_id>", overview.versions),
    reading(
        "/api/endpoint_status_code_distribution/<int:endpoint_id>", overview.status_distribution
    ),
    reading("/api/endpoint_status_code_summary/<int:endpoint_id>", overview.status_summary),
    Route("/api/set_rule", ("POST",), Role.WRITER, _set_rule),
)
