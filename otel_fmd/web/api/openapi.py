"""The OpenAPI 3.1 document of `/api/v1`, made from its routes.

Source: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from otel_fmd._version import __version__
from otel_fmd.people.actor import Role
from otel_fmd.web.api.problems import MEDIA, PROBLEM
from otel_fmd.web.api.reading import TAGS
from otel_fmd.web.api.route import JSON, Route
from otel_fmd.web.cookies import SESSION

_REF = "#/components/schemas/{model}"
_FIELD = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_RULE = re.compile(r"<(?:path:)?(\w+)>")
_SCOPES = {Role.GUEST: "read", Role.WRITER: "write", Role.ADMIN: "admin"}
_FAILURES = {
    "400": "A parameter cannot be used.",
    "401": "Log in, or send a token.",
    "403": "The role, or the scope of the token, does not allow it.",
    "default": "Any other problem.",
}
_ABOUT = """\
Everything that the dashboard shows, and every change that it can make.

- Send an API token as `Authorization: Bearer ofmd_...`; the session of a browser works, too.
- Times are RFC 3339 in UTC; the names of numbers end with their units.
- `from` and `to` select a time range, to the microsecond for single requests; figures of many
  requests cover whole hours (UTC).
- Errors are problem details (RFC 9457); they name the value and what was expected.
- Answers to `GET` have an `ETag`: send it as `If-None-Match`, and get 304 while nothing changed.
"""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document of these routes; where they are served depends on the request."""
    schemas, definitions = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = _RULE.sub(r"{\1}", route.rule)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "otel-fmd",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION},
            },
        },
    }


Schemas = Mapping[tuple[str, JsonSchemaMode], Any]
_ANSWER: JsonSchemaMode = "serialization"
_BODY: JsonSchemaMode = "validation"


def _schemas(routes: Sequence[Route]) -> tuple[Schemas, dict[str, Any]]:
    """The schema of each route's answer and body, and what they refer to."""
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [("problem", _ANSWER, PROBLEM)]
    for route in routes:
        if route.answer is not None:
            inputs.append((route.name, _ANSWER, route.answer_adapter))
        if route.body is not None:
            inputs.append((route.name, _BODY, route.body_adapter))
    found, made = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    definitions: dict[str, Any] = made.get("$defs", {})
    for one in definitions.values():
        _describe(one)
    return found, definitions


def _describe(schema: dict[str, Any]) -> None:
    """Give the fields of a record the descriptions that its docstring has."""
    words, _, fields = schema.get("description", "").partition("\n\nArgs:\n")
    if not fields:
        return
    schema["description"] = words
    for name, text in _FIELD.findall(fields):
        if name in schema["properties"]:
            schema["properties"][name]["description"] = " ".join(text.split())


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"{route.description}\n\nScope: `{_SCOPES[route.role]}`.".strip(),
        "parameters": [_parameter(one) for one in route.parameters],
        "responses": {str(route.status): _success(route, schemas), **dict(_failures(route))},
    }
    if route.body is not None:
        content = {JSON: {"schema": schemas[route.name, _BODY]}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _parameter(one: Any) -> dict[str, Any]:
    schema = dict(one.schema)
    if isinstance(one.default, str | int) and one.default != "" and not one.in_path:
        schema["default"] = one.default
    return {
        "name": one.name,
        "in": "path" if one.in_path else "query",
        "required": one.in_path,
        "description": one.help,
        "schema": schema,
    }


def _success(route: Route, schemas: Schemas) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "Done."}
    content: dict[str, Any] = {JSON: {"schema": schemas[route.name, _ANSWER]}}
    for media in route.media:
        content[media] = {"schema": {"type": "string"}}
    return {"description": route.summary, "content": content}


def _failures(route: Route) -> Iterator[tuple[str, Any]]:
    content = {MEDIA: {"schema": {"$ref": _REF.format(model="Problem")}}}
    for status, words in _FAILURES.items():
        yield status, {"description": words, "content": content}
    if any(one.in_path for one in route.parameters):
        yield "404", {"description": "There is no such one.", "content": content}
    if route.body is not None:
        yield "422", {"description": "The body cannot be used.", "content": content}
