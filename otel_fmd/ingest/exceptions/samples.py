"""Which occurrences of an exception are kept, when it is raised a thousand times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

_BURST = 20.0
_PER_MINUTE = 2.0
_MOST_REMEMBERED = 50_000
_ALL_BURST, _ALL_PER_MINUTE = 200.0, 60.0
"""What is kept of all variants together: new ones cost a hundred times what known ones do."""


class OccurrenceSampler:
    """Decides which occurrences are kept; all are counted.

    Of each variant the first 20 are kept, and 2 a minute after them; and in any case the first of
    each version and of each endpoint. (2,880 a day of an exception that never stops.) Of all
    variants together 200 are kept, and 60 a minute after them.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[int, tuple[float, float]] = {}
        self._all = (_ALL_BURST, clock())
        self._seen: set[tuple[int, int, int]] = set()

    def keeps(self, variant_id: int, version_id: int, endpoint_id: int) -> bool:
        """Whether the next occurrence of a variant is kept."""
        now = self._clock()
        if len(self._left) > _MOST_REMEMBERED:
            self._left.clear()
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.clear()
        left, since = self._left.get(variant_id, (_BURST, now))
        left = min(_BURST, left + (now - since) / 60 * _PER_MINUTE)
        key = (variant_id, version_id, endpoint_id)
        is_first = key not in self._seen
        self._seen.add(key)
        all_left, all_since = self._all
        all_left = min(_ALL_BURST, all_left + (now - all_since) / 60 * _ALL_PER_MINUTE)
        if (left < 1 and not is_first) or all_left < 1:
            return False
        self._all = (all_left - 1, now)
        self._left[variant_id] = (max(0.0, left - 1), now)
        return True
