"""Numbers and days in an address: of the right shape, and within what databases can hold."""

from __future__ import annotations

from datetime import date

MOST = 2**63 - 1
"""The largest number that every database takes."""
MOST_PAGES = 999_999
FIRST_DAY, LAST_DAY = date(1969, 12, 31), date(2554, 7, 23)
"""Between them lies every time that a span can tell, in nanoseconds, in any time zone."""


def number_in(text: str | None, most: int = MOST) -> int | None:
    """A whole number from 0 to `most`; None for whatever is none."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    number = int(text)
    return number if number <= most else None


def day_in(text: str) -> date:
    """A day as `2026-01-31`; one beyond the ends is the first or the last.

    Raises:
        ValueError: it is none.
    """
    return min(max(date.fromisoformat(text), FIRST_DAY), LAST_DAY)
