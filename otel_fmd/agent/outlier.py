"""The event `fmd.outlier`: made by the request's own thread, as its span ends."""

from __future__ import annotations

import json
from typing import Any

import flask

from otel_fmd.agent.watch import Snapshot
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.requests.outlier import EVENT_PREFIX, TEXT_WIDTH

_VALUE_WIDTH = 2_000
_NO_STACK = "(it ended between two looks: no stack was taken)"


def outlier_attributes(
    request: flask.Request | None, seen: Snapshot | None, redactor: Redactor
) -> dict[str, str]:
    """The attributes of the event.

    Args:
        request: the request, which is over; its body is not read.
        seen: what the watching thread saw; None when the request ended between two looks.
        redactor: hides secrets, and knows which parts are kept.
    """
    found: dict[str, str] = {}
    secrets: list[str] = []
    route = ""
    if request is not None:
        route = request.url_rule.rule if request.url_rule is not None else ""
        url = request.url
        secrets = redactor.path_secrets(url, route)
        found["url"] = redactor.url(url, route)
        values: dict[str, Any] = {**(request.view_args or {}), **request.args}
        if values:
            found["values"] = json.dumps(redactor.mapping(values), default=str)[:_VALUE_WIDTH]
        found["headers"] = redactor.headers(request.headers.items())
    found |= seen_attributes(seen, redactor, route)
    return {
        f"{EVENT_PREFIX}{key}": redactor.without(value, secrets)[:TEXT_WIDTH]
        for key, value in found.items()
        if value
    }


def seen_attributes(seen: Snapshot | None, redactor: Redactor, route: str = "") -> dict[str, str]:
    """What the watching thread saw."""
    if seen is None:
        return {"stack": _NO_STACK}
    plain = {k: v for k, v in seen.environ.items() if isinstance(v, str | int | float)}
    return {
        "stack": redactor.code(seen.stack),
        "cpu_percent": seen.cpu_percent,
        "memory": seen.memory,
        "environment": redactor.environ(plain, route),
    }
