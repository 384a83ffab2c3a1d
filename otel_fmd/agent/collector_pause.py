"""No garbage collection while the stacks of other threads are read.

In Python 3.11 an allocation may collect garbage at once, and finalizers let other threads run. When
that happens inside `frame.f_back`, the thread whose stack is read returns from the frame that is
about to be handed out: memory that was freed is read, and the process ends with a segmentation
fault. From 3.12 on, collections wait until no such call is running.
"""

from __future__ import annotations

import gc
import sys
import threading
from types import TracebackType

from otel_fmd.forks import on_fork

_NEEDED = sys.version_info < (3, 12)
_NEVER = 100_000_007
"""A first threshold that is not reached while stacks are read."""


class CollectorPause:
    """A context in which nothing is collected; several threads may be in it at a time.

    It raises the collector's first threshold and puts it back, unless the application changed it
    meanwhile. (`gc.disable` would be seen, and then kept, by code that restores what it found.)

    Args:
        is_needed: whether this Python collects inside an allocation.
    """

    def __init__(self, is_needed: bool = _NEEDED) -> None:
        self._is_needed = is_needed
        self._lock = threading.Lock()
        self._inside = 0
        self._kept = gc.get_threshold()
        on_fork(self.after_fork)

    def __enter__(self) -> None:
        if not self._is_needed:
            return
        with self._lock:
            if self._inside == 0:
                self._kept = gc.get_threshold()
                gc.set_threshold(_NEVER, *self._kept[1:])
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_needed:
            return
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._put_back()

    def after_fork(self) -> None:
        """Leave it, in a child that was forked while another thread was inside."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            self._put_back()

    def _put_back(self) -> None:
        if gc.get_threshold()[0] == _NEVER:
            gc.set_threshold(*self._kept)


COLLECTOR_PAUSE = CollectorPause()
"""The one of this process, as the collector is one."""
