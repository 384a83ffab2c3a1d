"""What is refused, and whom it was refused: for operators, who see no other trace of it."""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import NamedTuple

from otel_fmd.log_limit import LogLimit

_log = logging.getLogger(__name__)
_TAKES_IT_FOR_A_FAILURE = re.compile(
    r"OTLP[ -]Exporter[ -](?!python|java)|OTel Go |grpc-go|collector|otelcol|alloy"
    r"|\((?:linux|windows|darwin)/\w+\)",
    re.IGNORECASE,
)
"""Clients that log every `partial_success` with a message as a warning or an error (Go, Rust, the
Collector), or may do so; those of Python, Java and JavaScript do not."""
_MOST_SENDERS = 50
_MOST_INFORMED = 1_000


class Refused(NamedTuple):
    """Who was refused: how often, and when last (unix seconds)."""

    address: str
    transport: str
    path: str
    reason: str
    times: int
    last: float


class Refusals:
    """Counts refusals by path and reason, and remembers the last fifty senders of them."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._counts: dict[tuple[str, str, str], int] = {}
        self._senders: OrderedDict[tuple[str, str, str, str], tuple[int, float]] = OrderedDict()
        self._informed: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._lock = Lock()
        self._log_limit = LogLimit()
        self._unlogged = 0

    def know(self, paths: Iterable[str]) -> None:
        """Count these paths by name; all others as one, because anyone can invent them."""
        self._known.update(paths)

    def add(self, transport: str, path: str, reason: str, address: str) -> None:
        """Count one, and log it, at most once a minute.

        Args:
            transport: `http` or `grpc`.
            path: the requested path or method.
            reason: a status, such as `404` or `unauthenticated`.
            address: of the sender.
        """
        path = path if path in self._known or transport == "grpc" else "(other)"
        address = address[:64] or "(unknown)"
        now = time.time()
        with self._lock:
            key = (transport, path, reason)
            self._counts[key] = self._counts.get(key, 0) + 1
            sender = (address, *key)
            count = self._senders.pop(sender, (0, 0.0))[0]
            self._senders[sender] = (count + 1, now)
            if len(self._senders) > _MOST_SENDERS:
                self._senders.popitem(last=False)
            quiet = not self._log_limit.allows()
            unlogged, self._unlogged = self._unlogged, self._unlogged + 1 if quiet else 0
        if not quiet:
            more = f" ({unlogged} more since the last such line)" if unlogged else ""
            _log.warning("refused %s over %s: %s from %s%s", path, transport, reason, address, more)

    def is_to_be_informed(self, address: str, agent: str, signal: str) -> bool:
        """Whether to notify a client that its signal is not stored.

        Once per client, and never one that would log it as a failure (`agent` is its `User-Agent`).
        """
        if _TAKES_IT_FOR_A_FAILURE.search(agent):
            return False
        key = (address, agent[:100], signal)
        with self._lock:
            if key in self._informed:
                return False
            self._informed[key] = None
            if len(self._informed) > _MOST_INFORMED:
                self._informed.popitem(last=False)
            return True

    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """How many, by transport, path and reason."""
        with self._lock:
            return dict(self._counts)

    def senders(self) -> list[Refused]:
        """The latest senders, the most recent first."""
        with self._lock:
            found = list(self._senders.items())
        return [Refused(*sender, *seen) for sender, seen in reversed(found)]
