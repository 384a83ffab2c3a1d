"""SIGTERM without a handler: queued requests are stored first, within a bounded time.

waitress, `flask run` and plain scripts leave SIGTERM to its default action, which ends the process
at once, exit handlers and all. Servers that handle it themselves (gunicorn, uWSGI) are left alone.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol

_log = logging.getLogger(__name__)
BOUND_S = 5.0
_FAULTS = {
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS")
    if hasattr(signal, name)
}


class Flushes(Protocol):
    """Something with queued spans."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Store them."""


_waiting: weakref.WeakSet[Flushes] = weakref.WeakSet()


def flush_at_sigterm(owner: Flushes) -> bool:
    """Flush `owner` before SIGTERM ends this process; False if the signal is not ours.

    Only in the main thread, and only while SIGTERM has its default action: a handler that is set
    later replaces ours.
    """
    _waiting.add(owner)
    if threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGTERM)
    if handler is not signal.SIG_DFL:
        return handler is _flush_and_end
    signal.signal(signal.SIGTERM, _flush_and_end)
    return True


def _flush_and_end(number: int, _frame: Any) -> None:
    # A second signal ends the process at once.
    signal.signal(number, signal.SIG_DFL)
    if _is_patched_by_gevent():
        # We may be called within its event loop, which must not wait: a greenlet does.
        _thread.start_new_thread(_flush_all, (lambda: os.kill(os.getpid(), number),))
        return
    done = _thread.allocate_lock()
    done.acquire()
    # Not `threading.Thread`: the main thread may have been interrupted with its locks held.
    _thread.start_new_thread(_flush_all, (done.release,))
    done.acquire(timeout=BOUND_S)
    os.kill(os.getpid(), number)


def _is_patched_by_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _flush_all(at_end: Callable[[], None]) -> None:
    try:
        for owner in list(_waiting):
            owner.force_flush(int(BOUND_S * 1000))
    except Exception:
        _log.exception("queued requests were not stored at SIGTERM")
    finally:
        at_end()


def leave_signals_to_others() -> None:
    """Block the signals that come from outside in this thread, one of ours.

    The kernel hands a signal of the process to any thread that does not block it. uWSGI's handlers
    end the process from within whichever thread that is: in one of ours, Python's end then waits
    for locks of threads that are gone. Signals of a thread's own faults stay.
    """
    if _is_patched_by_gevent() or sys.platform != "linux":
        return
    if threading.get_native_id() != os.getpid():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FAULTS)
