"""Waiting for a condition, never for a fixed time; and ports that nobody uses."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_RANDOM = random.SystemRandom()
"""Tests that seed the common one must not choose the same ports in two processes."""


def wait_for(condition: Callable[[], T], timeout_s: float = 30.0, what: str = "") -> T:
    """The first true result of `condition`; fails when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what or condition}")
        time.sleep(0.02)


def free_port() -> int:
    """A port that was free a moment ago, from below those that the kernel gives to clients."""
    while True:
        port = _RANDOM.randint(12_000, 30_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
