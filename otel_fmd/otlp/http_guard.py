"""What the connections of one HTTP server share: limits, and which of them is closed first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from otel_fmd.log_limit import LogLimit
from otel_fmd.otlp.flight import Flight

_log = logging.getLogger(__name__)
_UNREAD_BYTES = 4 * 2**20
_SWEEP_S = 1.0

Refuse = Callable[[str, int, str], None]
"""Called with a refusal: path, status, address."""


class Connection(Protocol):
    """What a guard needs of a connection; each is one of a set."""

    loop: asyncio.AbstractEventLoop
    since: float
    """When it began to wait for what it waits for, by the loop's clock."""

    @property
    def unread(self) -> int:
        """Bytes of bodies that the application has not taken."""

    @property
    def waits_for_client(self) -> bool:
        """Whether nothing is being answered."""

    def check(self, now: float) -> None:
        """Close it when its client makes no progress."""

    def close_now(self) -> None:
        """Close it without an answer."""

    def __hash__(self) -> int:
        """By identity."""


@dataclass
class Guard:
    """The limits of one server, and what its connections share.

    Args:
        flight: where memory is counted.
        refuse: called with what is refused here.
        header_bytes: of one request, its first line included.
        header_s: seconds until the headers of a request are complete, from its first byte, or from
            the opening of the connection.
        body_s: seconds that a body may take beyond one for each 16 KiB of it. While others are
            refused because too much is held, one that makes no progress for two is closed.
        connections: open at once.
    """

    flight: Flight
    refuse: Refuse
    header_bytes: int = 64 * 1024
    header_s: float = 10.0
    body_s: float = 30.0
    write_s: float = 60.0
    connections: int = 512
    protocols: set[Connection] = field(default_factory=set)
    unread: int = 0
    sweeping: bool = False
    log_limit: LogLimit = field(default_factory=LogLimit)

    def opened(self, protocol: Connection) -> None:
        """Register a connection; close the one idle longest if there are too many."""
        self.protocols.add(protocol)
        if not self.sweeping:
            self.sweeping = True
            protocol.loop.call_later(_SWEEP_S, self._sweep, protocol.loop)
        if len(self.protocols) > self.connections:
            waiting = [one for one in self.protocols if one.waits_for_client]
            victim = min(waiting, key=lambda one: one.since, default=protocol)
            victim.close_now()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for protocol in list(self.protocols):
            protocol.check(now)
        self.sweeping = bool(self.protocols)
        if self.sweeping:
            loop.call_later(_SWEEP_S, self._sweep, loop)

    def has_capacity(self, more: int) -> bool:
        """Whether what came and was not taken by the application yet may be so much more."""
        self.unread += more
        if self.unread > _UNREAD_BYTES:
            self.unread = sum(one.unread for one in self.protocols)
        return self.unread <= _UNREAD_BYTES

    def log(self, what: str, address: str) -> None:
        """A line about broken HTTP, at most one a minute."""
        if self.log_limit.allows():
            _log.warning("%s from %s; no more such lines for a minute", what, address)
