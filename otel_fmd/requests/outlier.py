"""The contents of an outlier record: from the agent's event, or from the span itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_fmd.analysis.text import clean, fit
from otel_fmd.requests.redact import redact, redact_url
from otel_fmd.requests.request import Request
from otel_fmd.signals import semconv
from otel_fmd.signals.record import Event

URL_WIDTH = 2100
CPU_WIDTH = 150
TEXT_WIDTH = 65_000
_HEADER_PREFIX = "http.request.header."

_URL_NAMES = frozenset([*semconv.URL_FULL, *semconv.TARGET, *semconv.URL_QUERY])
EVENT_PREFIX = "fmd.outlier."
NO_CPU = "[]"
"""FMD evaluates this column as a list of percentages, one per core."""


class OutlierRecord(NamedTuple):
    """The columns of FMD's Outlier table, and the request's values."""

    request_header: str
    request_environment: str
    request_url: str
    cpu_percent: str
    memory: str
    stacktrace: str
    request_values: str | None


def outlier_record(request: Request) -> OutlierRecord:
    """The record of a request that is an outlier."""
    events = request.events(semconv.EVENT_OUTLIER)
    if events:
        return _from_event(events[0])
    attributes = request.span.source.attributes(request.span.raw, None)
    stacks = [e.attributes for e in request.events(semconv.EVENT_EXCEPTION)]
    stack = str(stacks[-1].get("exception.stacktrace", "")) if stacks else ""
    return OutlierRecord(
        _headers(attributes),
        _long(json.dumps(_plain(attributes), default=str, ensure_ascii=False)),
        fit(redact_url(_url(attributes)), URL_WIDTH),
        NO_CPU,
        "",
        _long(stack),
        None,
    )


def _from_event(event: Event) -> OutlierRecord:
    def text(name: str) -> str:
        return str(event.attributes.get(f"{EVENT_PREFIX}{name}", ""))

    return OutlierRecord(
        _long(text("headers")),
        _long(text("environment")),
        fit(text("url"), URL_WIDTH),
        fit(text("cpu_percent"), CPU_WIDTH) or NO_CPU,
        _long(text("memory")),
        _long(text("stack")),
        _long(text("values")) or None,
    )


def _headers(attributes: Mapping[str, Any]) -> str:
    """Headers in FMD's form, `Name: value` with CR LF after each."""
    found: dict[str, Any] = {}
    agent = attributes.get("user_agent.original") or attributes.get("http.user_agent")
    host = attributes.get("http.host") or attributes.get("server.address")
    if host:
        found["Host"] = host
    if agent:
        found["User-Agent"] = agent
    for name, value in attributes.items():
        if name.startswith(_HEADER_PREFIX):
            header = name.removeprefix(_HEADER_PREFIX).replace("_", "-").title()
            found[header] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return _long("".join(f"{name}: {value}\r\n" for name, value in redact(found).items()))


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without secrets, those in URLs included."""
    found = redact(attributes)
    for name in _URL_NAMES & found.keys():
        found[name] = redact_url(str(found[name]), bare=name in semconv.URL_QUERY)
    return found


def _url(attributes: Mapping[str, Any]) -> str:
    def first(names: tuple[str, ...]) -> str:
        return next((str(attributes[n]) for n in names if attributes.get(n)), "")

    full = first(semconv.URL_FULL)
    if full:
        return full
    target = first(semconv.TARGET)
    if not target:
        query = first(semconv.URL_QUERY)
        target = first(semconv.URL_PATH) + (f"?{query}" if query else "")
    host = first(semconv.HOST)
    if not host:
        return target
    port = attributes.get("server.port") or attributes.get("net.host.port")
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"  # IPv6
    if port and ":" not in host.rpartition("]")[2] and str(port) not in ("80", "443"):
        host = f"{host}:{port}"
    return f"{first(semconv.URL_SCHEME) or 'http'}://{host}{target}"


def _long(text: str) -> str:
    return fit(text, TEXT_WIDTH) if len(text) > TEXT_WIDTH else clean(text)
