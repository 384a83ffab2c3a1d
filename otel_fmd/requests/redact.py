"""Secrets that must not be stored: which names carry them, and what stands instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

REDACTED = "[redacted]"
SECRET_NAMES = frozenset(
    [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-csrftoken",
        "x-xsrf-token",
        "x-amz-security-token",
        "x-forwarded-access-token",
    ]
)
"""Header names, in lower case; extended by `OTEL_FMD_REDACT`."""
SECRET_PARTS = ("password", "passwd", "secret", "token", "api_key", "apikey", "private_key")
"""Any name with one of these in it is a secret, too."""


def is_secret(name: str, extra: Iterable[str] = ()) -> bool:
    """Whether values under this name are to be hidden; `-` and `_` and case make no difference."""
    return _is_secret(name, tuple(extra))


@lru_cache(maxsize=4096)
def _is_secret(name: str, extra: tuple[str, ...]) -> bool:
    plain = name.lower().replace("_", "-")
    for prefix in ("http-", "http.request.header.", "http.response.header."):
        plain = plain.removeprefix(prefix)
    return (
        plain in SECRET_NAMES
        or any(part.replace("_", "-") in plain for part in SECRET_PARTS)
        or any(plain == one.lower().replace("_", "-") for one in extra)
    )


def redact(values: Mapping[str, Any], extra: Iterable[str] = ()) -> dict[str, Any]:
    """The mapping with its secrets replaced."""
    more = tuple(extra)
    return {k: REDACTED if _is_secret(k, more) else v for k, v in values.items()}


def redact_url(url: str, extra: Iterable[str] = (), *, bare: bool = False) -> str:
    """A URL (or, `bare`, a query string) with the secrets of its query and user part replaced."""
    more = tuple(extra)
    head, mark, query = ("", "", url) if bare else url.partition("?")
    scheme, separator, rest = head.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        # The last one ends the user part: a password may have one that is not escaped.
        head = f"{scheme}://{REDACTED}@{authority.rpartition('@')[2]}{slash}{path}"
    if "=" not in query:
        return head + mark + query
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        parts.append(
            f"{name}={REDACTED}" if equals and _is_secret(unquote_plus(name), more) else part
        )
    return head + mark + "&".join(parts)
