"""A route of FMD's API: its path, who may use it, and what answers it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from otel_fmd.errors import ConfigurationError, NotAllowedError, OtelFmdError
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.store.times import now_us
from otel_fmd.views.fmd.answer import Answer
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.load import looking
from otel_fmd.views.look import Look, zone_of
from otel_fmd.web.failures import logged
from otel_fmd.web.route_context import RouteContext
from otel_fmd.web.security import PROGRAMS, current_actor

_log = logging.getLogger(__name__)
_MOST_ID = 2**63 - 1
_WHAT = "use this route"
APPROXIMATE = "Otel-Fmd-Approximate"
"""The header of answers from histograms."""


class Api(RouteContext):
    """What routes need, and a look for each call."""

    __slots__ = ()

    def look(self, actor: Actor) -> Look:
        """A look without selection, in the time zone of the settings."""
        return Look(
            actor=actor,
            query={},
            parameters={},
            zone=zone_of(self.settings.timezone),
            now_us=now_us(),
            settings=self.settings,
            process=self.process,
        )


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Args:
        rule: the path below FMD's link, such as `/api/users/<int:endpoint_id>`.
        methods: the methods.
        role: the lowest role that may use it.
        answer: gets the `Api`, the actor and the values of the rule; returns a value for JSON, an
            `Answer` or a `Response`.
    """

    rule: str
    methods: Sequence[str]
    role: Role
    answer: Callable[..., Any]


def reading(
    rule: str,
    load: Callable[..., Any],
    body: Callable[[], Mapping[str, Any]] = dict,
    methods: Sequence[str] = ("GET",),
) -> Route:
    """A route that reads, for everybody who may look.

    Args:
        rule: the path.
        load: a loader of `views.fmd`.
        body: reads the values that the loader gets from the body.
        methods: the methods.
    """

    def answer(api: Api, actor: Actor, **values: Any) -> Any:
        given = body()
        with looking(api.reader, actor, Role.GUEST, _WHAT) as snapshot:
            return load(snapshot, api.look(actor), **values, **given)

    return Route(rule, methods, Role.GUEST, answer)


def blueprint(name: str, routes: Sequence[Route], api: Api, key: str = "error") -> Blueprint:
    """The routes of one group.

    Args:
        name: of the group.
        routes: its routes.
        api: what they need.
        key: under which its errors stand in JSON.
    """
    made = Blueprint(f"{PROGRAMS}{name}", __name__)
    for number, route in enumerate(routes):
        view = _view(route, api)
        made.add_url_rule(route.rule, f"route_{number}", view, methods=list(route.methods))
    made.register_error_handler(Exception, lambda error: _failed(error, key))
    return made


def failure(words: str, status: int, key: str = "error") -> Response:
    """An error as JSON."""
    response = jsonify({key: words})
    response.status_code = status
    return response


def _view(route: Route, api: Api) -> Callable[..., Response]:
    def view(**values: Any) -> Response:
        actor = current_actor()
        require(actor, route.role, _WHAT)
        for name, value in values.items():
            if isinstance(value, int) and value > _MOST_ID:
                raise RequestError(f"{name} {str(value)[:50]}: expected at most {_MOST_ID}", 404)
        return _response(route.answer(api, actor, **values))

    return view


def _response(value: Any) -> Response:
    if isinstance(value, Response):
        return value
    if not isinstance(value, Answer):
        return jsonify(value)
    response = jsonify(value.value)
    if not value.is_exact:
        response.headers[APPROXIMATE] = "within 1.1 %, from histograms"
    return response


def _failed(error: Exception, key: str) -> Response:
    if isinstance(error, HTTPException):
        response = failure(error.description or error.name, error.code or 500, key)
        for name, value in error.get_headers():
            if name.lower() in ("allow", "www-authenticate", "retry-after"):
                response.headers[name] = value
        return response
    if isinstance(error, RequestError):
        return failure(error.advice, error.status, key)
    if isinstance(error, NotAllowedError):
        return failure(error.advice, 403, key)
    if isinstance(error, ConfigurationError):
        return failure(str(error), 400, key)
    if isinstance(error, OtelFmdError):
        _log.warning("%s: %s", request.path, error)
        return failure(error.advice, 503, key)
    return failure(logged(f"{request.method} {request.path[:200]!r}", error), 500, key)
