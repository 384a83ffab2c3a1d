"""What an endpoint of `profiled` calls in another file."""

from __future__ import annotations

import time


def compute(seconds: float) -> int:
    """Compute, one call deeper."""
    return _compute(seconds)


def _compute(seconds: float) -> int:
    end = time.thread_time() + seconds
    number = 0
    while time.thread_time() < end:
        number += 1
    return number


def wait(seconds: float) -> None:
    """Wait, one call deeper."""
    time.sleep(seconds)
