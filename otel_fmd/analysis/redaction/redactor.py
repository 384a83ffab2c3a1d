"""`Redactor`: hides secrets in everything that is stored of a span."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import unquote

from otel_fmd.analysis.redaction.names import Secrecy, secrecy_of
from otel_fmd.analysis.redaction.patterns import REDACTED, without_known_secrets
from otel_fmd.analysis.redaction.values import ValueRedaction

_HEADER_NAME = re.compile(
    r"HTTP_|http\.(?:request|response)\.header\.|user_agent\.|http\.user_agent$"
)
_HEADER_ENTRY = re.compile(
    r"""(["'])HTTP_\w*+\1:\s?(?:'(?:[^'\\]|\\.)*+'?|"(?:[^"\\]|\\.)*+"?)(?:,\s?)?""", re.DOTALL
)
_SHORTEST_FOUND = 6
_QUERIES = frozenset(["QUERY_STRING", "url.query"])
_URLS = frozenset(
    [
        *("PATH_INFO", "RAW_URI", "REQUEST_URI", "SCRIPT_NAME"),
        *("url.full", "url.path", "http.url", "http.target"),
    ]
)
"""Names of the request's own URL and path, to which its route belongs."""


class RedactionSettings(Protocol):
    """The settings that a `Redactor` is made from."""

    @property
    def redact(self) -> tuple[str, ...]:
        """Further names of secrets."""

    @property
    def keep_headers(self) -> bool:
        """Whether headers are kept."""

    @property
    def keep_environ(self) -> bool:
        """Whether the WSGI environment, or a span's attributes, are kept."""


class Redactor:
    """Hides secrets; immutable, so that any number of threads may use it.

    Values are secrets by the words in their names, or by what they look like: see `vocabulary` and
    `patterns`. `[redacted]` stands where a secret was; redacting twice changes nothing more.

    Args:
        extra: further names of secrets, in any spelling: `x-tenant` is also `HTTP_X_TENANT` and
            `http.request.header.x_tenant`.
        keep_headers: whether headers are kept at all.
        keep_environ: whether the WSGI environment, or a span's attributes, are kept at all.
    """

    __slots__ = ("_extra", "_keep_environ", "_keep_headers", "_values")

    def __init__(
        self, extra: Iterable[str] = (), *, keep_headers: bool = True, keep_environ: bool = True
    ) -> None:
        self._extra = frozenset(map(_spelled, extra)) - {""}
        self._keep_headers = keep_headers
        self._keep_environ = keep_environ
        self._values = ValueRedaction(self._secrecy_of if self._extra else secrecy_of)

    @classmethod
    def of(cls, settings: RedactionSettings) -> Redactor:
        """The redactor that settings ask for."""
        return cls(
            settings.redact,
            keep_headers=settings.keep_headers,
            keep_environ=settings.keep_environ,
        )

    def value(self, name: str, value: Any) -> Any:
        """A value under its name, or what is shown instead.

        Args:
            name: an attribute, a header, a parameter, a key.
            value: of any type that attributes and JSON have, nested or not.
        """
        return self._values.named(name, value)

    def mapping(self, values: Mapping[str, Any], route: str = "") -> dict[str, Any]:
        """A copy of values by their names, secrets hidden.

        Args:
            values: the values, nested or not.
            route: the request's route, for its paths and URLs among them.
        """
        found = {}
        for name, value in values.items():
            if self._extra and self._secrecy_of(name) is Secrecy.SECRET:
                found[name] = self._values.named(name, value)
            elif name in _URLS and isinstance(value, str):
                found[name] = self.url(value, route)
            elif name in _QUERIES and isinstance(value, str):
                found[name] = self.query(value)
            else:
                found[name] = self._values.named(name, value)
        return found

    def url(self, url: str, route: str = "") -> str:
        """A URL or a path: user part, path, matrix parameters, query and fragment.

        Args:
            url: absolute or not.
            route: what it matched, such as `/reset/<token>`: that part of the path is hidden, too.
        """
        return self._values.url(url, route)

    def query(self, query: str) -> str:
        """A query string, without its question mark."""
        return self._values.parameters(without_known_secrets(query))

    def text(self, text: str) -> str:
        """Free text: a message, the trace of an exception."""
        return self._values.text(text)

    def code(self, text: str) -> str:
        """Lines of source code: words without quotes and digits in them are variables."""
        return self._values.text(text, is_code=True)

    def json(self, text: str) -> str:
        """JSON; free text if it is none, say because it was cut."""
        return self._values.string(text)

    def headers(self, headers: Iterable[tuple[str, Any]]) -> str:
        """Headers in FMD's form, `Name: value` with CR LF after each; '' if they are not kept."""
        if not self._keep_headers:
            return ""
        return "".join(
            f"{name}: {_joined(self._values.named(name, value))}\r\n" for name, value in headers
        )

    def header_lines(self, text: str) -> str:
        """Headers that are in FMD's form already; '' if they are not kept."""
        if not self._keep_headers:
            return ""
        lines = []
        for line in text.splitlines(keepends=True):
            name, colon, rest = line.partition(": ")
            value = rest.rstrip("\r\n")
            if colon and " " not in name:
                lines.append(f"{name}: {self._values.named(name, value)}{rest[len(value) :]}")
            else:
                lines.append(self.text(line))
        return "".join(lines)

    def environ(self, environ: Mapping[str, Any], route: str = "") -> str:
        """A WSGI environment in FMD's form, a dict as Python writes it; '' if it is not kept."""
        return str(self._kept(environ, route)) if self._keep_environ else ""

    def environ_text(self, text: str) -> str:
        """A WSGI environment that is in FMD's form already; '' if it is not kept."""
        if not self._keep_environ:
            return ""
        return self.text(text if self._keep_headers else _HEADER_ENTRY.sub("", text))

    def attributes(self, attributes: Mapping[str, Any], route: str = "") -> str:
        """The attributes of a span as JSON, in place of an environment; '' if it is not kept."""
        if not self._keep_environ:
            return ""
        return json.dumps(self._kept(attributes, route), default=str, ensure_ascii=False)

    def path_secrets(self, url: str, route: str) -> list[str]:
        """The parts of a URL's path that are secrets by the names in its route, for `without`."""
        parts = url.partition("#")[0].partition("?")[0].split("/")
        found = [parts[place] for place in self._values.secret_places(parts, route)]
        return found + [unquote(part) for part in found if "%" in part]

    @staticmethod
    def without(text: str, secrets: Sequence[str]) -> str:
        """A text without secrets that are known from elsewhere, such as a path in a `Referer`.

        Those of a few characters stay: they would be found in any text.
        """
        for secret in secrets:
            if len(secret) >= _SHORTEST_FOUND:
                text = text.replace(secret, REDACTED)
        return text

    def _kept(self, values: Mapping[str, Any], route: str) -> dict[str, Any]:
        if not self._keep_headers:
            values = {name: one for name, one in values.items() if not _HEADER_NAME.match(name)}
        return self.mapping(values, route)

    def _secrecy_of(self, name: str) -> Secrecy:
        spelled = _spelled(name)
        is_extra = (
            spelled in self._extra
            or spelled.removeprefix("http-") in self._extra
            or spelled.rpartition(".")[2] in self._extra
        )
        return Secrecy.SECRET if is_extra else secrecy_of(name)


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _spelled(name: str) -> str:
    return name.strip().lower().replace("_", "-")
