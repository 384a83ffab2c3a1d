"""Which tokens may send: the shared one of the settings, and API tokens with the scope `ingest`.

The database is read once a second, outside of requests: a new token works, and a revoked one is
refused, within that time.
"""

from __future__ import annotations

import hmac
import time

from otel_fmd.job import Job
from otel_fmd.otlp.service import bearer
from otel_fmd.people.tokens import PREFIX, Senders, senders
from otel_fmd.store.store import Store

_EVERY_S = 1.0
_USED_EVERY_S = 60.0
_STOP_S = 5.0


class TokenSenders:
    """Those who have a token, if one is needed.

    Args:
        store: the database.
        shared: the token of the settings; '' for none.
        required: whether a token is needed although there is no shared one.
    """

    def __init__(self, store: Store, shared: str, *, required: bool) -> None:
        self._store = store
        self._shared = shared
        self.need_token = required or bool(shared)
        self._known = Senders({})
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
        """Whether the sender of this `Authorization` header may send."""
        if not self.need_token:
            return True
        secret = bearer(authorization)
        if self._shared and hmac.compare_digest(secret.encode(), self._shared.encode()):
            return True
        if not secret.startswith(PREFIX):
            return False
        found = self._known.include(secret)
        if found is not None:
            self._used.add(found)
        return found is not None

    def _refresh(self) -> None:
        used: set[str] = set()
        if time.monotonic() - self._recorded_s > _USED_EVERY_S:
            used, self._used = self._used, used
            self._recorded_s = time.monotonic()
        self._known = senders(self._store, used)
