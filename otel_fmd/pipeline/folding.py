"""The thread that folds deltas into the rollups, beside the one that writes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from otel_fmd.errors import StoreUnavailableError
from otel_fmd.rollups.fold import Folder
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
STEP = 64
"""Deltas folded in one transaction."""
WHO_STEP = 256
_AFTER, _WHO_AFTER = 0.5, 2.5
"""How many times the pause between looks a delta waits at least; users and addresses wait longer,
because a step of theirs writes many rows."""
_AWAY_S = 2.5
_BROKEN_S = 10.0
_BEHIND_S = 0.05


class Folding:
    """Folds the deltas of one store, from `start` to `stop`.

    Args:
        store: the database.
        max_who: users, and addresses, kept per endpoint and version.
        every_s: seconds between looks; 0: never.
        count: called with the number of deltas that were folded.
    """

    def __init__(
        self, store: Store, max_who: int, every_s: float, count: Callable[[int], None]
    ) -> None:
        self._store = store
        self._folder = Folder(store, max_who)
        self._every_s = every_s
        self._count = count
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ready = False

    def start(self) -> None:
        """Start the thread, if it does not run yet; called by one thread at a time."""
        if self._thread is None and self._every_s > 0 and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="otel-fmd-folder", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread after what it is doing."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = self._every_s
        while not self._stopping.wait(pause_s):
            try:
                pause_s = self._round()
            except StoreUnavailableError as error:
                _log.debug("not folded: %s", error)
                pause_s = _AWAY_S
            except Exception:
                _log.exception("folding failed; tried again in %s s", _BROKEN_S)
                pause_s = _BROKEN_S

    def _round(self) -> float:
        """One round of folding; the seconds to wait before the next."""
        if not self._ready:
            prepare(self._store)
            self._ready = True
        folded = self._folder.fold(STEP, self._every_s * _AFTER)
        self._count(folded)
        if folded >= STEP:
            # Behind: larger steps are cheaper per delta.
            folded = self._folder.fold(STEP * 4)
            self._count(folded)
        self._folder.fold_who(WHO_STEP, self._every_s * _WHO_AFTER)
        return _BEHIND_S if folded >= STEP else self._every_s
