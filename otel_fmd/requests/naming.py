"""The endpoint of an entry span, and where its name came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.renaming import read_rule
from otel_fmd.requests.templates import has_placeholder, is_part_of_path, template_of
from otel_fmd.signals import semconv
from otel_fmd.signals.record import AttributeValue, as_text

FLASK = "flask"
ROUTE = "route"
SPAN = "span"
PATH = "path"
RULE = "rule"
UNMATCHED = "unmatched"
SOURCES = {
    FLASK: "its Flask endpoint, which the agent knows",
    ROUTE: "the route of its spans (http.route)",
    SPAN: "the name of its spans, which have no route",
    PATH: "the paths of its requests, with {id} for numbers and identifiers: their spans have "
    "no route. OTEL_FMD_RENAME can give it another name",
    RULE: "a rule of OTEL_FMD_RENAME",
    UNMATCHED: "no route: its spans have none, and their paths were not found",
}
"""Where an endpoint's name came from, as text."""

UNNAMED = "(unnamed)"
"""An endpoint whose spans have no name."""
PATH_ATTRIBUTES = frozenset(["url.path", "http.target", "url.full", "http.url", semconv.UNMATCHED])
"""What is read if a route is missing, or may not cover the whole path."""
_CODE = re.compile(r"[A-Za-z0-9)\]][.#@\\]+[A-Za-z_<]|::|->")
_NO_NAMES = frozenset(["http.server", "http.request", "http.server.request", "http.handler"])
_LONGEST_MATCHED = 500
_LONGEST_PATH = 1_000
_LONGEST_READ = 4_000
_MOST_NAMES = 512


class Named(NamedTuple):
    """An endpoint's name and where it came from.

    `is_steady`: the same for all spans of its kind (method, route, name), with any path.
    """

    name: str
    source: str
    is_steady: bool


class EndpointNamer:
    """Names endpoints.

    Args:
        rules: see `analysis.renaming`; the first that matches applies.
        redactor: hides secrets in names that are not known to the app; None: by the usual names.

    Raises:
        ConfigurationError: a rule is none.
    """

    def __init__(self, rules: Sequence[str] = (), redactor: Redactor | None = None) -> None:
        self._rules = [read_rule(rule) for rule in rules]
        # Names come back; hiding secrets in one takes as long as translating its span.
        self._redacted = lru_cache(_MOST_NAMES)((redactor or Redactor()).text)

    def named(
        self,
        attributes: dict[str, AttributeValue],
        span_name: str,
        status: AttributeValue,
        more: Callable[[], dict[str, AttributeValue]],
    ) -> Named:
        """The endpoint of an entry span.

        Args:
            attributes: those of `semconv.REQUEST_ATTRIBUTES`, or more.
            span_name: the span's name.
            status: its HTTP status, None when it has none.
            more: gives its `PATH_ATTRIBUTES`; called only where they matter.
        """
        found = self._named(attributes, span_name, status, more)
        if found.source not in (SPAN, PATH):
            return found
        # What is longer is not shown, but tells two names apart.
        read, rest = found.name[:_LONGEST_READ], found.name[_LONGEST_READ:]
        return found._replace(name=self._redacted(read) + rest)

    def of_endpoint(self, name: str) -> Named:
        """What a Flask endpoint is called, as `named` calls its requests."""
        return self._renamed(name, FLASK)

    def _named(
        self,
        attributes: dict[str, AttributeValue],
        span_name: str,
        status: AttributeValue,
        more: Callable[[], dict[str, AttributeValue]],
    ) -> Named:
        is_missing = str(status) == "404"
        flask = attributes.get(semconv.FLASK_ENDPOINT)
        if flask:
            return self.of_endpoint(as_text(flask))
        method = method_of(attributes)
        if method is None:
            return self._renamed(span_name or UNNAMED, SPAN)
        route = attributes.get("http.route")
        if route:
            return self._of_route(method, as_text(route), is_missing, more)
        known = attributes if semconv.MONITOR_LEVEL in attributes else more()
        if semconv.MONITOR_LEVEL in known or semconv.UNMATCHED in known:
            # Our agent knows the app's routes: there is none.
            return self._renamed(f"{method} (unmatched)", UNMATCHED)._replace(is_steady=False)
        path = path_of(known)
        if path:
            ruled = self._ruled(f"{method} {path}")
            if ruled:
                return Named(ruled, RULE, is_steady=False)
        name = _template_in_name(method, span_name, path, is_missing)
        if name:
            return self._renamed(name, SPAN)._replace(is_steady=False)
        path = path or _path_in(span_name)
        if not path or is_missing:
            return self._renamed(f"{method} (unmatched)", UNMATCHED)._replace(is_steady=False)
        return self._renamed(f"{method} {template_of(path)}", PATH)._replace(is_steady=False)

    def _of_route(
        self,
        method: str,
        route: str,
        is_missing: bool,
        more: Callable[[], dict[str, AttributeValue]],
    ) -> Named:
        if not is_missing:
            path = path_of(more())
            if path and is_part_of_path(route[:_LONGEST_PATH], path):
                ruled = self._ruled(f"{method} {path}")
                if ruled:
                    return Named(ruled, RULE, is_steady=False)
                name = f"{method} {template_of(path)}"
                return self._renamed(name, PATH)._replace(is_steady=False)
        return self._renamed(f"{method} {route}", ROUTE)

    def _renamed(self, name: str, source: str) -> Named:
        ruled = self._ruled(name)
        return Named(ruled, RULE, is_steady=True) if ruled else Named(name, source, is_steady=True)

    def _ruled(self, name: str) -> str:
        """What the first rule that matches makes of a name; '' when none does."""
        for rule in self._rules:
            found = rule.pattern.fullmatch(name[:_LONGEST_MATCHED])
            if found:
                return found.expand(rule.name).strip()
        return ""


def method_of(attributes: dict[str, AttributeValue]) -> str | None:
    """The HTTP method, `OTHER_METHOD` for one that is none; None for a span that is not HTTP."""
    for name in semconv.METHOD:
        method = attributes.get(name)
        if method is not None and method != "":
            # As text: a client may send a list or a map, which cannot be looked up in a set.
            text = as_text(method)
            if text in semconv.KNOWN_METHODS:
                return text
            # The conventions know ten methods; what stood in the request is in another attribute.
            text = as_text(attributes.get(semconv.ORIGINAL_METHOD) or text).upper()
            return text if text in semconv.KNOWN_METHODS else semconv.OTHER_METHOD
    return None


def path_of(attributes: dict[str, AttributeValue]) -> str:
    """The requested path, by any convention; '' if none has it."""
    for name in ("url.path", "http.target", "url.full", "http.url"):
        value = attributes.get(name)
        if isinstance(value, str) and value:
            value = value[:_LONGEST_PATH]
            if value.startswith("/"):
                return value.partition("?")[0].partition("#")[0]
            try:
                parts = urlsplit(value)
            except ValueError:
                continue
            if parts.scheme:
                return parts.path or "/"
    return ""


def _path_in(span_name: str) -> str:
    """The path in a span's name, such as `GET /items/7`."""
    _, slash, rest = span_name.partition("/")
    return f"/{rest[:_LONGEST_PATH]}".partition("?")[0] if slash else ""


def _template_in_name(method: str, span_name: str, path: str, is_missing: bool) -> str:
    """The endpoint in a span's name; '' if it has none, or only the path of one request."""
    span_name = span_name[:_LONGEST_PATH]
    words = span_name.split()
    while words and (
        words[0].upper() in semconv.KNOWN_METHODS or words[0] in ("HTTP", semconv.OTHER_METHOD)
    ):
        words.pop(0)
    if not words:
        return ""
    rest = " ".join(words)
    if rest.startswith("/"):
        shape = unquote(rest.partition("?")[0]).rstrip("/") or "/"
        own = unquote(path).rstrip("/") or "/"
        if not path:
            return f"{method} {rest}" if has_placeholder(rest) else ""
        if own.endswith(shape) or (is_part_of_path(rest, path) and not has_placeholder(rest)):
            return ""
        if is_missing and not has_placeholder(rest):
            return ""
        return f"{method} {rest}"
    if len(words) > 1 or has_placeholder(rest):
        return span_name.strip()
    return span_name.strip() if _CODE.search(rest) and rest not in _NO_NAMES else ""
