"""The contents of an outlier record: from the agent's event, or from the span itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import MARGIN, clean, cut_redacted, fit
from otel_fmd.requests.request import Request
from otel_fmd.signals import semconv
from otel_fmd.signals.record import Event, as_text

URL_WIDTH = 2100
CPU_WIDTH = 150
TEXT_WIDTH = 65_000
_HEADER_PREFIX = "http.request.header."
_ROUTE = frozenset(semconv.ROUTE)

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

    def redacted(self, redactor: Redactor, route: str = "") -> OutlierRecord:
        """Without secrets, each text cut to the width of its column.

        Args:
            redactor: hides them.
            route: the request's route, if it is known.
        """
        secrets = redactor.path_secrets(self.request_url[:URL_WIDTH], route) if route else []

        def text(given: str, redact: Callable[[str], str], width: int = TEXT_WIDTH) -> str:
            return redactor.without(_cut(given, redact, width), secrets)

        return OutlierRecord(
            text(self.request_header, redactor.header_lines),
            text(self.request_environment, redactor.environ_text),
            _cut(self.request_url, lambda url: redactor.url(url, route), URL_WIDTH),
            text(self.cpu_percent, redactor.text, CPU_WIDTH) or NO_CPU,
            text(self.memory, redactor.text),
            text(self.stacktrace, redactor.code),
            text(self.request_values or "", redactor.json) or None,
        )


def outlier_record(request: Request, redactor: Redactor) -> OutlierRecord:
    """The record of a request that is an outlier, without secrets."""
    events = request.events(semconv.EVENT_OUTLIER)
    source, raw = request.span.source, request.span.raw
    if events:
        route = as_text(source.attributes(raw, _ROUTE).get("http.route") or "")
        return _from_event(events[0]).redacted(redactor, route)
    attributes: Mapping[str, Any] = source.attributes(raw, None)
    if sum(map(len, attributes)) + sum(map(len, map(str, attributes.values()))) > TEXT_WIDTH:
        attributes = dict(_first(attributes))
    route = as_text(attributes.get("http.route") or "")
    stacks = [e.attributes for e in request.events(semconv.EVENT_EXCEPTION)]
    stack = str(stacks[-1].get("exception.stacktrace", "")) if stacks else ""
    url = _url(attributes)
    secrets = redactor.path_secrets(url, route) if route else []

    def text(found: str) -> str:
        return redactor.without(_fitted(found, TEXT_WIDTH), secrets)

    return OutlierRecord(
        text(redactor.headers(_headers(attributes))),
        text(redactor.attributes(attributes, route)),
        _cut(url, lambda given: redactor.url(given, route), URL_WIDTH),
        NO_CPU,
        "",
        redactor.without(_cut(stack, redactor.text, TEXT_WIDTH), secrets),
        None,
    )


def _from_event(event: Event) -> OutlierRecord:
    def text(name: str) -> str:
        return str(event.attributes.get(f"{EVENT_PREFIX}{name}", ""))

    return OutlierRecord(
        text("headers"),
        text("environment"),
        text("url"),
        text("cpu_percent"),
        text("memory"),
        text("stack"),
        text("values"),
    )


def _first(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """As many attributes as may be stored, and a little more; a longer value is cut."""
    left = TEXT_WIDTH + MARGIN
    for name, value in attributes.items():
        if left < 0:
            return
        if isinstance(value, str | bytes):
            size = len(value)
            value = value[:left] if size > left else value
        elif isinstance(value, list | tuple | dict):
            size = len(str(value))
            value = as_text(value)[:left] if size > left else value
        else:
            size = 20
        left -= len(name) + size
        yield name, value


def _headers(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of the headers that a span has."""
    agent = attributes.get("user_agent.original") or attributes.get("http.user_agent")
    host = attributes.get("http.host") or attributes.get("server.address")
    if host:
        yield "Host", host
    if agent:
        yield "User-Agent", agent
    for name, value in attributes.items():
        if name.startswith(_HEADER_PREFIX):
            yield name.removeprefix(_HEADER_PREFIX).replace("_", "-").title(), value


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


def _cut(text: str, redact: Callable[[str], str], width: int) -> str:
    """A text without secrets, in at most `width` characters; only what may be stored is read."""
    if len(text) <= width + MARGIN:
        return _fitted(redact(text), width)
    return cut_redacted(text, redact, width)


def _fitted(text: str, width: int) -> str:
    return fit(text, width) if len(text) > width or width < TEXT_WIDTH else clean(text)
