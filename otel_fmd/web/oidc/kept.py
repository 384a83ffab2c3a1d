"""What is fetched from a provider when it is needed first, and kept for a while.

One thread fetches at a time. While a provider is down, it is asked again only every few seconds,
and what is known of it stays in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from otel_fmd.web.oidc.errors import ProviderDownError

_log = logging.getLogger(__name__)
T = TypeVar("T")
_PATIENCE_S = 1.0


class Kept(Generic[T]):
    """A value that is fetched.

    Args:
        fetch: fetches it; raises ProviderDownError.
        label: of the provider.
        lasts_s: seconds after which it is fetched again.
        quiet_s: seconds in which it is not fetched again, whoever wants that.
    """

    def __init__(
        self,
        fetch: Callable[[], T],
        label: str,
        lasts_s: float = 3600.0,
        quiet_s: float = 5.0,
    ) -> None:
        self._fetch = fetch
        self._label = label
        self._lasts_s, self._quiet_s = lasts_s, quiet_s
        self._lock = Lock()
        self._value: T | None = None
        self._error: ProviderDownError | None = None
        self._tried_s = float("-inf")
        self._fetched_s = float("-inf")

    @property
    def known(self) -> T | None:
        """What was fetched last, however long ago; None before."""
        return self._value

    def get(self, *, newer: bool = False) -> T:
        """The value.

        Args:
            newer: fetch it again, unless that was done a moment ago.

        Raises:
            ProviderDownError: it was never fetched, and cannot be now.
        """
        if self._is_fresh() and not newer:
            return self._answer()
        # Waits only a little: those behind a provider that hangs must not hang as well.
        if self._lock.acquire(timeout=_PATIENCE_S):
            try:
                if (newer or not self._is_fresh()) and not self._was_tried():
                    self._try()
            finally:
                self._lock.release()
        return self._answer()

    def _is_fresh(self) -> bool:
        return monotonic() - self._fetched_s < self._lasts_s

    def _was_tried(self) -> bool:
        return monotonic() - self._tried_s < self._quiet_s

    def _try(self) -> None:
        try:
            self._value, self._error = self._fetch(), None
            self._fetched_s = monotonic()
        except ProviderDownError as error:
            self._error = error
            if self._value is not None:
                _log.warning("%s; what was fetched before stays in force", error)
        self._tried_s = monotonic()

    def _answer(self) -> T:
        if self._value is not None:
            return self._value
        message = str(self._error) if self._error else "another login waits for the provider"
        raise ProviderDownError(message, self._label)
