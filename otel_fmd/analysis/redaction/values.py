"""Secrets in values of any type, however they are nested: maps, JSON, URLs within URLs, texts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from otel_fmd.analysis.redaction.freetext import without_assigned_secrets
from otel_fmd.analysis.redaction.names import Secrecy, is_hidden
from otel_fmd.analysis.redaction.paths import names_in, secret_segments
from otel_fmd.analysis.redaction.patterns import REDACTED, is_card_number, without_known_secrets

_DEEPEST = 12
"""Levels of values within values: lists, maps, JSON in a text, a URL in a URL; what is deeper is
hidden whole."""
_ENCODED = 2
"""Levels that a URL within a text, and what is percent-encoded, count for: some are read twice."""
_LONGEST_URL = 16_384
"""Longer texts are free text, whatever they look like."""
_QUIET = re.compile(r"[\w./ ,;+*-]{1,11}")
"""Most values are as short as this, and can hold no secret that is known by its looks."""
_FIRST_OF_CARDS = 10**12
_SAFE = "[]{}:=,@"
_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*+://[^\s\"'<>\\]++")
_URL_BEGINS = re.compile(r"/|[A-Za-z][A-Za-z0-9+.:-]*+//")
_ONE_WORD = re.compile(r"[^\s\"'<>`]++")
_RUN = re.compile(r"[^\s\"'<>\\]++")
_QUERY = re.compile(r"[\w.%\[\]+$-]++=")


class ValueRedaction:
    """Redacts values; immutable.

    Args:
        secrecy_of: what the values under a name are.
    """

    __slots__ = ("_secrecy_of",)

    def __init__(self, secrecy_of: Callable[[str], Secrecy]) -> None:
        self._secrecy_of = secrecy_of

    def named(self, name: str, value: Any, depth: int = 0) -> Any:
        """A value under its name."""
        if is_hidden(self._secrecy_of(name), value):
            return REDACTED
        return self.string(value, depth) if isinstance(value, str) else self._unnamed(value, depth)

    def string(self, text: str, depth: int = 0) -> str:
        """A text that may be anything: JSON, a URL, a query string, a sentence."""
        if not text or _QUIET.fullmatch(text):
            return text
        if depth >= _DEEPEST:
            return REDACTED
        if text[0] in "{[" and text.rstrip()[-1:] in ("}", "]"):
            shown = self._json(text, depth)
            if shown is not None:
                return shown
        if len(text) <= _LONGEST_URL and _ONE_WORD.fullmatch(text):
            if "=" in text and _QUERY.match(text):
                return self.parameters(without_known_secrets(text), depth)
            has_parameters = "=" in text and ("?" in text or ";" in text)
            if has_parameters or _URL_BEGINS.match(text):
                return self.url(text, "", depth)
        return self.text(text, depth)

    def text(self, text: str, depth: int = 0, *, is_code: bool = False) -> str:
        """Free text, or source code."""
        if depth >= _DEEPEST:
            return REDACTED
        text = without_known_secrets(text)
        if "://" in text:
            text = _URL.sub(lambda found: self.url(found[0], "", depth + _ENCODED), text)
        if "%" in text:
            text = _RUN.sub(lambda found: self._decoded(found[0], depth), text)
        return without_assigned_secrets(text, self._secrecy_of, is_code=is_code)

    def url(self, url: str, route: str = "", depth: int = 0) -> str:
        """A URL or a path; see `Redactor.url`."""
        if depth >= _DEEPEST:
            return REDACTED
        rest, hash_mark, fragment = without_known_secrets(url).partition("#")
        path, mark, query = rest.partition("?")
        if route:
            parts = path.split("/")
            for place in self.secret_places(parts, route):
                parts[place] = REDACTED
            path = "/".join(parts)
        if '"' in path or "'" in path:
            path = self.text(path, depth + 1)
        elif "=" in path or "%" in path:
            path = "/".join(self.parameters(part, depth) for part in path.split("/"))
        query = self.parameters(query, depth)
        if fragment and ("?" in fragment or fragment[0] in "/!"):
            fragment = self.url(fragment, "", depth + 1)
        else:
            fragment = self.parameters(fragment, depth)
        return path + mark + query + hash_mark + fragment

    def parameters(self, text: str, depth: int = 0) -> str:
        """Parameters with `&` between them, or `;` as in `/a;jsessionid=x`."""
        if "=" not in text and "%" not in text:
            return text
        return "&".join(
            [
                self._by_semicolon(part, depth) if ";" in part else self._parameter(part, depth)
                for part in text.split("&")
            ]
        )

    def secret_places(self, parts: list[str], route: str) -> list[int]:
        """The places of secrets among the parts of a path between slashes, by its route."""
        if not any(map(self._secrecy_of, names_in(route))):
            return []
        is_absolute = len(parts) > 2 and parts[0].endswith(":") and not parts[1]
        first = 3 if is_absolute else 0  # after the scheme, nothing, and the host
        held = [place for place, part in enumerate(parts) if part and place >= first]
        segments = [parts[place] for place in held]
        is_secret: Callable[[str], bool] = lambda name: bool(self._secrecy_of(name))  # noqa: E731
        return [held[place] for place in secret_segments(route, segments, is_secret)]

    def _unnamed(self, value: Any, depth: int) -> Any:
        """A value of which only the looks are known."""
        if isinstance(value, str):
            return self.string(value, depth)
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return REDACTED if value >= _FIRST_OF_CARDS and is_card_number(str(value)) else value
        if depth >= _DEEPEST:
            return REDACTED
        if isinstance(value, Mapping):
            return {
                without_known_secrets(str(key)): self.named(str(key), one, depth + 1)
                for key, one in value.items()
            }
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return [self._unnamed(one, depth + 1) for one in value]
        # Bytes, and what only apps have in their values: by the text that is stored of it.
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        shown = self.string(text, depth + 1)
        return value if shown == text else shown

    def _json(self, text: str, depth: int) -> str | None:
        """JSON; None if it is none."""
        try:
            parsed = json.loads(text)
            shown = self._unnamed(parsed, depth + 1)
            return text if shown == parsed else json.dumps(shown, ensure_ascii=False)
        except (ValueError, RecursionError):
            return None

    def _decoded(self, run: str, depth: int) -> str:
        """What is percent-encoded in a text: decoded if there is a secret in it."""
        if "%" not in run:
            return run
        decoded = unquote(run)
        shown = decoded if decoded == run else self.text(decoded, depth + _ENCODED)
        return run if shown == decoded else shown

    def _by_semicolon(self, text: str, depth: int) -> str:
        """Parameters with `;` between them; what follows a secret may be a part of it."""
        shown = []
        for part in text.split(";"):
            shown.append(self._parameter(part, depth))
            if shown[-1].endswith(f"={REDACTED}"):
                break
        return ";".join(shown)

    def _parameter(self, part: str, depth: int) -> str:
        name, equals, value = part.partition("=")
        if not equals:
            decoded = unquote_plus(part)
            return part if self.string(decoded, depth + _ENCODED) == decoded else REDACTED
        decoded = unquote_plus(value)
        if is_hidden(self._secrecy_of(unquote_plus(name)), decoded):
            return f"{name}={REDACTED}"
        hidden = self.string(decoded, depth + _ENCODED)
        return part if hidden == decoded else f"{name}={quote(hidden, safe=_SAFE)}"
