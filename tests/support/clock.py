"""A time that tests set."""

from __future__ import annotations


class Clock:
    """The time in unix microseconds; it stands still until somebody waits."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_us += int(seconds * 1e6)
