"""What an address can say: each parameter with its type, its range and its default."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 2**63 - 1
"""The largest number that every database takes."""
_MOST_PAGES = 999_999
_STATUS_MOST = 999
FIRST_DAY, LAST_DAY = date(1969, 12, 31), date(2554, 7, 23)
"""Between them lies every time that a span can tell, in nanoseconds, in any time zone."""


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A part of an address.

    Args:
        name: as it stands in the address.
        help: what it chooses.
        read: its value; raises ValueError, with what was expected, for whatever is none.
        default: the value where the address has none, or none that can be read.
        in_path: whether it is a part of the path, not of the query.
    """

    name: str
    help: str
    read: Callable[[str], T]
    default: T
    in_path: bool = False


def whole_number(text: str, most: int = MOST) -> int:
    """A whole number from 0 to `most`.

    Raises:
        ValueError: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)):
        number = int(text)
        if number <= most:
            return number
    raise ValueError(f"{text[:50]!r}: expected digits, at most {most}")


def day_in(text: str) -> date:
    """A day as `2026-01-31`; one beyond the ends is the first or the last.

    Raises:
        ValueError: it is none.
    """
    return min(max(date.fromisoformat(text), FIRST_DAY), LAST_DAY)


def days_in(text: str) -> tuple[date, date]:
    """The first and the last of some days, as `2026-01-01..2026-01-31`.

    Raises:
        ValueError: they are none.
    """
    one, _, other = text.partition("..")
    first, last = sorted((day_in(one), day_in(other)))
    return first, last


def status_range(text: str) -> tuple[int, int]:
    """`404`, `4xx` or `none` (no status) as a half-open range of status codes.

    Raises:
        ValueError: it is none of them.
    """
    if text == "none":
        return 0, 1
    if text.endswith("xx"):
        kind = whole_number(text[:-2], 9)
        return kind * 100, kind * 100 + 100
    code = whole_number(text, _STATUS_MOST)
    return code, code + 1


def one_of(*values: str) -> Callable[[str], str]:
    """A reader of parameters that have few values."""

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
    "The page of a list, from 0, the newest.",
    lambda text: whole_number(text, _MOST_PAGES),
    0,
)
CURSOR = Parameter(
    "cursor", "Where a list goes on, as its page before says.", _optional_number, None
)
ONLY_ENDPOINT = Parameter(
    "endpoint", "Only requests of the endpoint with this id.", _optional_number, None
)
STATUS = Parameter("status", "Only this status: `404`, `4xx`, or `none`.", _optional_range, None)
USER = Parameter(
    "user", "Only requests of this user; empty: of nobody known.", _optional_text, None
)
ADDRESS = Parameter("ip", "Only requests from this address.", _optional_text, None)
HOUR = Parameter("hour", "Only this hour (0 to 23) of the day `from`.", _optional_hour, None)


def names_of(parameters: Collection[Parameter[object]]) -> list[str]:
    """What parameters are called in an address."""
    return [one.name for one in parameters]
