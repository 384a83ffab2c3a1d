"""Which tokens may send, which may read metrics: the shared one of the settings, API tokens.

The database is read once a second, outside of requests: a new token works, and a revoked one is
refused, within that time.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from otel_fmd.job import Job
from otel_fmd.otlp.service import bearer
from otel_fmd.people.tokens import KnownTokens, Token, known_tokens
from otel_fmd.store.store import Store

_EVERY_S = 1.0
_USED_EVERY_S = 60.0
_STOP_S = 5.0


class TokenSenders:
    """Those who have a token, if one is needed.

    Args:
        store: the database.
        shared: the token of the settings, which sends and reads metrics; '' for none.
        required: whether a token is needed although there is no shared one.
    """

    def __init__(self, store: Store, shared: str, *, required: bool) -> None:
        self._store = store
        self._shared = shared
        self.need_token = required or bool(shared)
        self._known = KnownTokens({})
        self._used: set[str] = set()
        self._recorded_s = 0.0
        self._job = Job("tokens", self._refresh, _EVERY_S, first_s=0.0)

    def start(self) -> None:
        """Start reading tokens, if any are needed."""
        if self.need_token:
            self._refresh()
            self._job.start()

    def stop(self) -> None:
        """Stop reading them."""
        self._job.stop(_STOP_S)

    def allow(self, authorization: str) -> bool:
        """Whether the sender of this `Authorization` header may send: the scope `ingest`."""
        return self._has(authorization, lambda token: token.may_send)

    def may_read(self, authorization: str) -> bool:
        """Whether the sender of this `Authorization` header may read metrics: the scope `read`."""
        return self._has(authorization, lambda token: token.may_read)

    def _has(self, authorization: str, permits: Callable[[Token], bool]) -> bool:
        """Whether no token is needed, or this one permits it; its use is recorded then."""
        if not self.need_token:
            return True
        secret = bearer(authorization)
        if self._shared and hmac.compare_digest(secret.encode(), self._shared.encode()):
            return True
        found = self._known.find(secret)
        if found is None or not permits(found[1]):
            return False
        self._used.add(found[0])
        return True

    def _refresh(self) -> None:
        used: set[str] = set()
        if time.monotonic() - self._recorded_s > _USED_EVERY_S:
            used, self._used = self._used, used
            self._recorded_s = time.monotonic()
        self._known = known_tokens(self._store, used)
