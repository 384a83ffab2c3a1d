"""`/metrics` of a receiver: open as long as sending is, else for tokens that may read."""

from __future__ import annotations

from collections.abc import Callable

from otel_fmd.metrics.exposition import Exposition
from otel_fmd.otlp.http_call import PlainAnswer, PlainRequest

_REFUSED = b"send a token with the scope read: Authorization: Bearer ...\n"
_CHALLENGE = (("WWW-Authenticate", "Bearer"),)


class MetricsPage:
    """The page.

    Args:
        exposition: what it shows.
        may_read: whether the sender of an `Authorization` header may see it.
    """

    def __init__(self, exposition: Exposition, may_read: Callable[[str], bool]) -> None:
        self._exposition = exposition
        self._may_read = may_read

    def __call__(self, request: PlainRequest) -> PlainAnswer:
        """The metrics; 401 without a token that is needed."""
        headers = request.headers
        if not self._may_read(headers.get("authorization", "")):
            return PlainAnswer(401, "text/plain; charset=utf-8", _REFUSED, _CHALLENGE)
        accept, encoding = headers.get("accept", ""), headers.get("accept-encoding", "")
        body, ((_, content_type), *more) = self._exposition(accept, encoding)
        return PlainAnswer(200, content_type, body, tuple(more))
