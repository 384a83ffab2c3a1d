"""A rate limit for log lines: what goes wrong again and again is logged now and then."""

from __future__ import annotations

import time


class LogLimit:
    """Allows one line in `every_s` seconds.

    It takes no lock: of two threads that ask at the same moment both may be allowed.
    """

    def __init__(self, every_s: float = 60.0) -> None:
        self._every_s = every_s
        self._logged_at = float("-inf")

    def allows(self) -> bool:
        """Whether a line may be logged now; if so, the next one waits."""
        now = time.monotonic()
        if now - self._logged_at < self._every_s:
            return False
        self._logged_at = now
        return True
