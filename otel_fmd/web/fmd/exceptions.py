"""Exceptions: reading and removing them."""

from __future__ import annotations

from flask import Response

from otel_fmd.actions.exceptions import remove_exception
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.views.fmd import exceptions
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.web.fmd.route import Api, Route, reading


def _remove(api: Api, actor: Actor, stack_trace_snapshot_id: int) -> Response:
    """Remove a stack trace, with every occurrence of it."""
    try:
        remove_exception(actor, api.store, stack_trace_snapshot_id)
    except ConfigurationError as error:
        raise RequestError(str(error), 404) from None
    return Response("ok", mimetype="text/html")


ROUTES = (
    reading("/api/num_exceptions", exceptions.num_exceptions),
    reading("/api/num_exceptions/<int:endpoint_id>", exceptions.num_exceptions),
    reading("/api/exception_occurrence/<int:offset>/<int:per_page>", exceptions.exception_list),
    reading(
        "/api/detailed_exception_occurrence/<int:endpoint_id>/<int:offset>/<int:per_page>",
        exceptions.endpoint_exceptions,
    ),
    reading(
        "/api/exception_occurrence_page_number/<int:endpoint_id>/<int:stack_trace_snapshot_id>"
        "/<int:per_page>",
        exceptions.page_of_exception,
    ),
    reading("/api/function_code/<int:function_definition_id>", exceptions.code_of_function),
    Route(
        "/api/exception_occurrence/<int:stack_trace_snapshot_id>",
        ("DELETE",),
        Role.ADMIN,
        _remove,
    ),
)
