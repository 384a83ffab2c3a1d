"""A route of `/api/v1`: what it takes, what it answers, and who may use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, current_app, request
from pydantic import TypeAdapter, ValidationError
from werkzeug.exceptions import MethodNotAllowed

from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.store.times import now_us
from otel_fmd.views.api.look import FROM, ApiLook
from otel_fmd.views.look import zone_of
from otel_fmd.views.parameters import Parameter
from otel_fmd.views.view import View
from otel_fmd.web.api.problems import Mistake, ProblemError, failed
from otel_fmd.web.route_context import RouteContext
from otel_fmd.web.security import PROGRAMS, current_actor

JSON = "application/json"
_SHOWN = 50
_MOST_BODY = 64 * 1024
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NAME = f"{PROGRAMS}v1"
_NOTHING = "nothing"
REFERENCE_NAME = "fmd_reference"
"""The blueprint with the document and its viewer, at the same path."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a route.

    Args:
        api: what routes need.
        actor: who calls.
        look: the checked parameters.
        values: those of the path.
        body: the checked body; None without one.
    """

    api: RouteContext
    actor: Actor
    look: ApiLook
    values: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Route:
    """One route.

    Args:
        rule: the path below `/api/v1`, in Flask's syntax.
        method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        role: the lowest role that may use it.
        tag: the group that it is shown in.
        summary: what it does, in a few words.
        respond: answers a call: a value of the type `answer`, a `Response`, or None.
        description: more about it.
        parameters: of the query and the path.
        answer: the type of its JSON; None for no content.
        body: the type of the JSON that it takes; None for none.
        status: of a response to a call that succeeds.
        media: content types that it can answer besides JSON.
        views: the views that it is made from.
    """

    rule: str
    method: str
    role: Role
    tag: str
    summary: str
    respond: Callable[[Call], Any]
    description: str = ""
    parameters: Sequence[Parameter[Any]] = ()
    answer: Any = None
    body: Any = None
    status: int = 200
    media: Sequence[str] = ()
    views: Sequence[View[Any]] = field(default=())

    @cached_property
    def answer_adapter(self) -> TypeAdapter[Any]:
        """Makes JSON of its answers."""
        return TypeAdapter(self.answer)

    @cached_property
    def body_adapter(self) -> TypeAdapter[Any]:
        """Reads its bodies."""
        return TypeAdapter(self.body)

    @property
    def name(self) -> str:
        """Unique; the OpenAPI operation id."""
        parts = [part.strip("<>") for part in self.rule.replace("path:", "").split("/") if part]
        return "_".join([self.method.lower(), *parts]).replace("-", "_")


def blueprint(routes: Sequence[Route], api: RouteContext) -> Blueprint:
    """The routes as a blueprint, whose errors are problem details."""
    made = Blueprint(_NAME, __name__)
    for route in routes:
        made.add_url_rule(route.rule, route.name, _view(route, api), methods=[route.method])

    def nothing(path: str = "") -> Response:
        methods = _methods()
        if methods:
            raise MethodNotAllowed(methods, f"{request.method}: expected {', '.join(methods)}")
        raise ProblemError(404, f"{path[:200]!r}: /api/v1 has no such route")

    made.add_url_rule("/", _NOTHING, nothing, methods=_METHODS)
    made.add_url_rule("/<path:path>", _NOTHING, nothing, methods=_METHODS)
    made.register_error_handler(Exception, failed)
    made.after_request(with_methods)
    return made


def with_methods(response: Response) -> Response:
    """An answer to OPTIONS without the methods of what answers unknown paths."""
    if request.method == "OPTIONS" and "Allow" in response.headers:
        methods = _methods()
        also = ["HEAD", "OPTIONS"] if "GET" in methods else ["OPTIONS"]
        response.headers["Allow"] = ", ".join(sorted({*methods, *also}))
    return response


def _methods() -> list[str]:
    """The methods of the routes with the path of this request."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    found = {method: adapter.match(method=method)[0] for method in _METHODS}
    return [
        method
        for method, endpoint in found.items()
        if endpoint.startswith((f"{_NAME}.", f"{REFERENCE_NAME}."))
        and endpoint != f"{_NAME}.{_NOTHING}"
    ]


def _view(route: Route, api: RouteContext) -> Callable[..., Response]:
    def view(**values: str) -> Response:
        actor = current_actor()
        require(actor, route.role, "use this route")
        look = _look(route, api, actor, values)
        body = None if route.body is None else _body(route)
        return _response(route, route.respond(Call(api, actor, look, values, body)))

    return view


def _look(route: Route, api: RouteContext, actor: Actor, values: Mapping[str, str]) -> ApiLook:
    """The parameters of this request.

    Raises:
        ProblemError: 404 for one of the path, 400 for one of the query that cannot be used.
    """
    known = {one.name: one for one in route.parameters if not one.in_path}
    mistakes = list(_mistakes(known))
    for one in route.parameters:
        if one.in_path:
            try:
                one.read(values[one.name])
            except ValueError as error:
                raise ProblemError(404, f"{one.name} {error}") from None
    if mistakes:
        raise ProblemError(400, "A parameter cannot be used.", mistakes)
    look = ApiLook(
        actor=actor,
        query=request.args.to_dict(),
        parameters=values,
        zone=zone_of(api.settings.timezone),
        now_us=now_us(),
        settings=api.settings,
        process=api.process,
    )
    if FROM.name in known:
        _check_times(look)
    return look


def _mistakes(known: Mapping[str, Parameter[Any]]) -> Iterator[Mistake]:
    for name in request.args:
        given = request.args.getlist(name)
        if name not in known:
            words = ", ".join(known) or "none"
            yield Mistake(name[:_SHOWN], f"unknown parameter; expected one of: {words}")
        elif len(given) > 1:
            yield Mistake(name, f"given {len(given)} times; expected once")
        else:
            try:
                known[name].read(given[0])
            except ValueError as error:
                yield Mistake(name, str(error))


def _check_times(look: ApiLook) -> None:
    start, end = look.times_us()
    if start >= end:
        mistake = Mistake("from", "expected a time before `to`, or before now without `to`")
        raise ProblemError(400, "A parameter cannot be used.", [mistake])


def _body(route: Route) -> Any:
    """The body of this request.

    Raises:
        ProblemError: 415 if it is no JSON, 413 if too large, 422 if a field cannot be used.
    """
    if not request.is_json:
        raise ProblemError(415, f"content type {request.mimetype[:_SHOWN]!r}: expected {JSON}")
    data = request.get_data(cache=False)
    if len(data) > _MOST_BODY:
        raise ProblemError(413, f"a body of {len(data):,} bytes: expected at most {_MOST_BODY:,}")
    try:
        return route.body_adapter.validate_json(data)
    except ValidationError as error:
        mistakes = [
            Mistake(".".join(map(str, one["loc"])) or "body", one["msg"])
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        is_json = all(one["type"] != "json_invalid" for one in error.errors(include_url=False))
        status, words = (422, "The body cannot be used.") if is_json else (400, "No JSON.")
        raise ProblemError(status, words, mistakes) from None


def _response(route: Route, value: Any) -> Response:
    if isinstance(value, Response):
        response = value
    elif route.answer is None:
        response = Response(status=204)
    else:
        data = route.answer_adapter.dump_json(value)
        response = Response(data, route.status, mimetype=JSON)
    if request.method in ("GET", "HEAD"):
        response.headers["Cache-Control"] = "private, no-cache"
        response.vary.update(("Accept", "Authorization", "Cookie"))
        if not response.is_streamed:
            response.add_etag()
            response.make_conditional(request)
    return response
