"""Forks: what a child must recreate, and forks that bypass Python's hooks.

A parent's threads, locks, queues and connections are of no use in its child. Objects that have some
register a method that recreates them; one hook calls it in every child.

uWSGI forks in C and calls Python's hooks only if configured to. Such a fork is detected by the
process id: `check` is called wherever a process may use what its parent had. In such a child the
interpreter still lists the threads of the parent, whose stacks are gone, so `sys._current_frames()`
must not be called there: see `is_unannounced`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)
_OTHERS_S = 1.0


class _Forks:
    """The fork state of this process; a singleton."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.unannounced_pid = 0
        self._handled: dict[int, int] = {}
        self._resets: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    def register(self, owner: Any, method: str) -> None:
        self._resets[owner] = method

    def announced(self) -> None:
        """In a child, called by Python."""
        self.pid = os.getpid()
        self._recreate()

    def unannounced(self) -> None:
        """In a child that Python does not know of; the first thread to notice does the work."""
        pid, me = os.getpid(), threading.get_ident()
        if self._handled.setdefault(pid, me) != me:
            give_up = time.monotonic() + _OTHERS_S
            while self.pid != pid and time.monotonic() < give_up:
                time.sleep(0.001)
            return
        self.unannounced_pid = pid
        self._recreate()
        self.pid = pid
        _log.warning(
            "this process was forked without Python's fork hooks: monitoring continues at level 1, "
            "without outliers and profiles. Under uWSGI, set --py-call-uwsgi-fork-hooks"
        )

    def _recreate(self) -> None:
        for owner, method in list(self._resets.items()):
            try:
                getattr(owner, method)()
            except Exception:
                # One failure must not prevent the others from being recreated, nor end the child.
                _log.exception("%s could not be recreated in a forked child", type(owner).__name__)


_forks = _Forks()


def on_fork(reset: Callable[[], None]) -> None:
    """Have a bound method called in every forked child, as long as its object lives."""
    owner: Any = reset.__self__  # type: ignore[attr-defined]
    _forks.register(owner, reset.__name__)


def check(getpid: Callable[[], int] = os.getpid) -> None:
    """Recreate what a fork hook would have, if this process was forked without one."""
    if getpid() != _forks.pid:
        _forks.unannounced()


def is_unannounced() -> bool:
    """Whether this process was forked without Python's hooks."""
    return _forks.unannounced_pid == os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forks.announced)
