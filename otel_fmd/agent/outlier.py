"""The event `fmd.outlier`: made by the request's own thread, as its span ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import flask

from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.watch import Snapshot
from otel_fmd.requests.outlier import EVENT_PREFIX, TEXT_WIDTH
from otel_fmd.requests.redact import redact, redact_url

_VALUE_WIDTH = 2_000
_NO_STACK = "(it ended between two looks: no stack was taken)"
_URLS = ("QUERY_STRING", "RAW_URI", "REQUEST_URI", "HTTP_REFERER")


def outlier_attributes(
    request: flask.Request | None, seen: Snapshot | None, options: AgentOptions
) -> dict[str, str]:
    """The attributes of the event.

    Args:
        request: the request, which is over; its body is not read.
        seen: what the watching thread saw; None when the request ended between two looks.
        options: which parts are kept, and what is secret besides the usual.
    """
    found: dict[str, str] = {}
    if request is not None:
        found["url"] = redact_url(request.url, options.redact)
        values = {**(request.view_args or {}), **request.args}
        if values:
            shown = json.dumps(redact(values, options.redact), default=str)
            found["values"] = shown[:_VALUE_WIDTH]
        if options.keep_headers:
            headers = redact(dict(request.headers), options.redact)
            found["headers"] = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return {
        f"{EVENT_PREFIX}{key}": value[:TEXT_WIDTH]
        for key, value in (found | seen_attributes(seen, options)).items()
    }


def seen_attributes(seen: Snapshot | None, options: AgentOptions) -> dict[str, str]:
    """What the watching thread saw."""
    if seen is None:
        return {"stack": _NO_STACK}
    found = {"stack": seen.stack, "cpu_percent": seen.cpu_percent, "memory": seen.memory}
    if options.keep_environ:
        found["environment"] = str(_environ(seen.environ, options))
    return found


def _environ(environ: Mapping[str, Any], options: AgentOptions) -> dict[str, Any]:
    plain = {k: v for k, v in environ.items() if isinstance(v, str | int | float)}
    for name in _URLS:
        if name in plain:
            plain[name] = redact_url(str(plain[name]), options.redact, bare=name == _URLS[0])
    if not options.keep_headers:
        plain = {k: v for k, v in plain.items() if not k.startswith("HTTP_")}
    return redact(plain, options.redact)
