"""Jobs: functions that run repeatedly, each in its own thread, for the life of a process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from otel_fmd.errors import OtelFmdError
from otel_fmd.forks import on_fork
from otel_fmd.log_limit import LogLimit
from otel_fmd.termination import leave_signals_to_others

_log = logging.getLogger(__name__)

Run = Callable[[], float | None]
"""Does the work once; returns the seconds until the next call, None for the interval."""


class Lease(Protocol):
    """The right to do something that only one process may do; see `store.lease`."""

    def acquire(self) -> bool:
        """Take it, or keep it; False while another process has it."""

    def release(self) -> None:
        """Give it up."""


class Job:
    """A function that is called at an interval, in a daemon thread, until it is stopped.

    An error is logged, with the job's name and at most once a minute, and the job continues. In a
    forked child the job is not started. Once stopped, it cannot be started again.

    Args:
        name: the thread is called `otel-fmd-` and this.
        run: does the work.
        interval_s: seconds between the end of a call and the next call.
        first_s: seconds until the first call; None: the interval.
        after_error_s: seconds until the next call after an error; None: the interval.
        lease: if only one process may run it. It is acquired before every call, and released at
            the end.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        interval_s: float,
        *,
        first_s: float | None = None,
        after_error_s: float | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.name = name
        self._run = run
        self._interval_s = interval_s
        self._first_s = interval_s if first_s is None else first_s
        self._after_error_s = interval_s if after_error_s is None else after_error_s
        self._lease = lease
        self._stopped = False
        self._log_limit = LogLimit()
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        self.is_started = False
        """Whether it was started in this process."""
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it was started or stopped before; any thread may."""
        with self._starting:
            if self.is_started or self._stopped:
                return
            self.is_started = True
            self._thread = threading.Thread(
                target=self._loop, name=f"otel-fmd-{self.name}", daemon=True
            )
            self._thread.start()

    def wake(self) -> None:
        """Run it at once, or once more if it is running now."""
        self._wake.set()

    def stop(self, timeout_s: float) -> bool:
        """Stop it after the current call, and wait for that; False if that took too long.

        Takes no lock: a handler of signals may interrupt `start`.
        """
        self._stopped = True
        self._wake.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _loop(self) -> None:
        leave_signals_to_others()
        pause_s = self._first_s
        try:
            while self._goes_on(pause_s):
                pause_s = self._once()
        finally:
            self._release()

    def _goes_on(self, pause_s: float) -> bool:
        self._wake.wait(pause_s)
        self._wake.clear()
        return not self._stopped

    def _once(self) -> float:
        try:
            if self._lease is not None and not self._lease.acquire():
                return self._interval_s
            pause_s = self._run()
        except Exception as error:
            self._log_error(error)
            return self._after_error_s
        return self._interval_s if pause_s is None else pause_s

    def _log_error(self, error: Exception) -> None:
        if self._log_limit.allows():
            # Our own errors need no traceback.
            traceback = None if isinstance(error, OtelFmdError) else error
            _log.warning("%s failed, and will run again: %s", self.name, error, exc_info=traceback)

    def _release(self) -> None:
        if self._lease is not None:
            try:
                self._lease.release()
            except Exception as error:
                # It expires by itself.
                _log.debug("the lease of %s was not released: %s", self.name, error)
