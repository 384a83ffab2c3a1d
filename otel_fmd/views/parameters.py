"""The parameters of an address, each with its type, its range and its default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 2**63 - 1
"""The largest integer that every database can store."""
_MOST_PAGES = 999_999
_STATUS_MOST = 999
FIRST_DAY, LAST_DAY = date(1969, 12, 31), date(2554, 7, 23)
"""Every time that a span can carry, in nanoseconds, lies between them in any time zone."""


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A parameter of an address.

    Args:
        name: its name in the address.
        help: what it selects.
        read: parses its value; raises ValueError, with what was expected, if it is invalid.
        default: the value if the address has none, or an invalid one.
        in_path: whether it is part of the path rather than the query.
    """

    name: str
    help: str
    read: Callable[[str], T]
    default: T
    in_path: bool = False


def whole_number(text: str, most: int = MOST) -> int:
    """A whole number from 0 to `most`.

    Raises:
        ValueError: it is not one.
    """
    if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)):
        number = int(text)
        if number <= most:
            return number
    raise ValueError(f"{text[:50]!r}: expected digits, at most {most}")


def day_in(text: str) -> date:
    """A day such as `2026-01-31`, limited to the range from `FIRST_DAY` to `LAST_DAY`.

    Raises:
        ValueError: it is not a day.
    """
    return min(max(date.fromisoformat(text), FIRST_DAY), LAST_DAY)


def days_in(text: str) -> tuple[date, date]:
    """The first and the last day of a range such as `2026-01-01..2026-01-31`.

    Raises:
        ValueError: it is not a range of days.
    """
    one, _, other = text.partition("..")
    first, last = sorted((day_in(one), day_in(other)))
    return first, last


def status_range(text: str) -> tuple[int, int]:
    """`404`, `4xx` or `none` (no status) as a half-open range of status codes.

    Raises:
        ValueError: it is none of these.
    """
    if text == "none":
        return 0, 1
    if text.endswith("xx"):
        kind = whole_number(text[:-2], 9)
        return kind * 100, kind * 100 + 100
    code = whole_number(text, _STATUS_MOST)
    return code, code + 1


def one_of(*values: str) -> Callable[[str], str]:
    """A parser for a parameter with a fixed set of values."""

    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"{text[:50]!r}: expected one of {', '.join(values)}")
        return text

    return read


def _optional_number(text: str) -> int | None:
    return whole_number(text)


def _optional_hour(text: str) -> int | None:
    return whole_number(text, 23)


def _optional_range(text: str) -> tuple[int, int] | None:
    return status_range(text)


def _optional_text(text: str) -> str | None:
    return text


ENDPOINT = Parameter("endpoint", "The id of an endpoint.", whole_number, 0, in_path=True)
REQUEST = Parameter("request", "The id of a request.", str, "", in_path=True)
PAGE = Parameter(
    "page",
    "The page of a list, counted from 0 (the newest).",
    lambda text: whole_number(text, _MOST_PAGES),
    0,
)
CURSOR = Parameter(
    "cursor", "Where the list continues, as given by the previous page.", _optional_number, None
)
ONLY_ENDPOINT = Parameter(
    "endpoint", "Only requests of the endpoint with this id.", _optional_number, None
)
STATUS = Parameter("status", "Only this status: `404`, `4xx`, or `none`.", _optional_range, None)
USER = Parameter(
    "user", "Only requests of this user; empty: of unknown users.", _optional_text, None
)
ADDRESS = Parameter("ip", "Only requests from this address.", _optional_text, None)
HOUR = Parameter("hour", "Only this hour (0 to 23) of the day `from`.", _optional_hour, None)
