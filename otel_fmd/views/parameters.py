"""The parameters of an address, each with its type, its range and its default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Generic, TypeVar

T = TypeVar("T")
MOST = 2**63 - 1
"""The largest integer that every database can store."""
_MOST_PAGES = 999_999
_STATUS_MOST = 999
_MOST_NUMBER = 10**15
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_PAGE, MOST_ROWS = 100, 1_000
"""Rows of a page of requests: by default, and at the most."""
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
        schema: its values, as a JSON Schema.
    """

    name: str
    help: str
    read: Callable[[str], T]
    default: T
    in_path: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


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


def moment_in(text: str) -> int:
    """A moment in unix microseconds: RFC 3339, or a day, which begins in UTC.

    Raises:
        ValueError: it is neither, or has no offset from UTC, or no span can carry it.
    """
    expected = f"{text[:50]!r}: expected a time such as 2026-01-31T09:30:00Z, or a day"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(expected) from None
    if found.tzinfo is None:
        if len(text) > len("2026-01-31"):
            raise ValueError(f"{expected} (Z or an offset from UTC is missing)")
        found = found.replace(tzinfo=UTC)
    if not FIRST_DAY < found.date() < LAST_DAY:
        raise ValueError(f"{text[:50]!r}: expected a time between {FIRST_DAY} and {LAST_DAY}")
    return (found - _EPOCH) // timedelta(microseconds=1)


def number_in(text: str) -> float:
    """A number from 0 on, with or without a fraction.

    Raises:
        ValueError: it is not one.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:50]!r}: expected a number from 0 to {_MOST_NUMBER:,}")
    return float(text)


def one_schema(*values: str) -> Mapping[str, Any]:
    """The schema of `one_of`."""
    return {"type": "string", "enum": list(values)}


def whole_schema(most: int = MOST, least: int = 0) -> Mapping[str, Any]:
    """The schema of `whole_number`."""
    return {"type": "integer", "minimum": least, "maximum": most}


def _limit(text: str) -> int:
    number = whole_number(text, MOST_ROWS)
    if not number:
        raise ValueError(f"{text!r}: expected a whole number from 1 to {MOST_ROWS:,}")
    return number


def _optional_number(text: str) -> int | None:
    return whole_number(text)


def _optional_hour(text: str) -> int | None:
    return whole_number(text, 23)


def _optional_range(text: str) -> tuple[int, int] | None:
    return status_range(text)


def _optional_text(text: str) -> str | None:
    return text


def _optional_duration(text: str) -> float | None:
    return number_in(text)


_DURATION = {"type": "number", "minimum": 0, "maximum": _MOST_NUMBER}
ENDPOINT = Parameter(
    "endpoint",
    "The id of an endpoint.",
    whole_number,
    0,
    in_path=True,
    schema=whole_schema(),
)
REQUEST = Parameter(
    "request",
    "The id of a request; a string, as JavaScript has no integers of 64 bits.",
    str,
    "",
    in_path=True,
    schema={"type": "string", "pattern": "^[0-9]{1,19}$"},
)
PAGE = Parameter(
    "page",
    "The page of a list, counted from 0 (the newest).",
    lambda text: whole_number(text, _MOST_PAGES),
    0,
    schema=whole_schema(_MOST_PAGES),
)
CURSOR = Parameter(
    "cursor",
    "Where the list continues, as given by the previous page.",
    _optional_number,
    None,
    schema={"type": "string", "pattern": "^[0-9]{1,19}$"},
)
LIMIT = Parameter(
    "limit",
    f"Most rows of a page, up to {MOST_ROWS:,}.",
    _limit,
    PER_PAGE,
    schema=whole_schema(MOST_ROWS, 1),
)
NEWEST, OLDEST = "-time", "time"
SORT = Parameter(
    "sort",
    f"`{NEWEST}`: the newest first; `{OLDEST}`: the oldest first.",
    one_of(NEWEST, OLDEST),
    NEWEST,
    schema=one_schema(NEWEST, OLDEST),
)
ONLY_ENDPOINT = Parameter(
    "endpoint",
    "Only requests of the endpoint with this id.",
    _optional_number,
    None,
    schema=whole_schema(),
)
STATUS = Parameter(
    "status",
    "Only this status: `404`, `4xx`, or `none`.",
    _optional_range,
    None,
    schema={"type": "string", "pattern": "^([0-9]xx|[0-9]{1,3}|none)$"},
)
USER = Parameter(
    "user", "Only requests of this user; empty: of unknown users.", _optional_text, None
)
ADDRESS = Parameter("ip", "Only requests from this address.", _optional_text, None)
HOUR = Parameter(
    "hour",
    "Only this hour (0 to 23) of the day `from`.",
    _optional_hour,
    None,
    schema=whole_schema(23),
)
MIN_DURATION = Parameter(
    "min_duration_ms",
    "Only requests that took at least this long, in milliseconds.",
    _optional_duration,
    None,
    schema=_DURATION,
)
MAX_DURATION = Parameter(
    "max_duration_ms",
    "Only requests that took at most this long, in milliseconds.",
    _optional_duration,
    None,
    schema=_DURATION,
)
