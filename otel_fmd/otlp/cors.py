"""Which browsers may send: cross-origin resource sharing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_HEADERS = "content-type, content-encoding, authorization"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MOST_NAMES = 50

Headers = list[tuple[str, str]]


class Cors:
    """The headers for browsers.

    Args:
        allowed: origins that may send; `*` for all, without credentials.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = frozenset(allowed)

    def headers(self, request: Mapping[str, str]) -> Headers:
        """What an answer carries; nothing for an origin that may not send.

        An origin that is named may send credentials (`navigator.sendBeacon` always does) and every
        header that it requests.
        """
        origin = request.get("origin")
        if origin is None or not self._allowed & {origin, "*"}:
            return []
        found = [("access-control-allow-origin", origin), ("vary", "origin")]
        if origin in self._allowed:
            found.append(("access-control-allow-credentials", "true"))
        if "access-control-request-method" not in request:
            return found
        asked = _HEADERS
        if origin in self._allowed:
            asked = _echoed(request.get("access-control-request-headers", "")) or _HEADERS
        return [
            *found,
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", asked),
            ("access-control-max-age", "7200"),
        ]


def _echoed(asked: str) -> str:
    names = [name.strip() for name in asked.split(",")[:_MOST_NAMES]]
    return ", ".join(name for name in names if _NAME.fullmatch(name))
