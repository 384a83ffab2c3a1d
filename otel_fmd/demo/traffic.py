"""Traffic in the shop: which user requests what, and how much at which hour."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

EMPTY_SEARCH = "/search?q="
"""What the shop is slow at."""
PROFILED = "catalog.product"
"""The endpoint with profiles."""
CUSTOMERS = ("alice", "bob", "carol", "dan", "erin", "frank", "wholesale", "zoe")
ADDRESSES = (*(f"203.0.113.{n}" for n in (5, 9, 23, 42, 77)), "198.51.100.7", "2001:db8::8")


class Visit(NamedTuple):
    """One request to be made."""

    method: str
    path: str
    form: dict[str, str] | None
    customer: str | None
    address: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers that a proxy in front of the shop would send."""
        headers = {"X-Forwarded-For": self.address}
        if self.customer is not None:
            headers["X-Demo-Customer"] = self.customer
        return headers


def visit(chance: random.Random) -> Visit:
    """What a visitor does next."""
    caller = chance.choices((*CUSTOMERS, None), weights=(9, 8, 6, 5, 4, 3, 4, 1, 14))[0]
    known = hash_of(caller) if caller else chance.randrange(len(ADDRESSES))
    address = ADDRESSES[known % len(ADDRESSES)]
    number = chance.randint(1, 62)
    method, path, form = chance.choices(
        (
            ("GET", "/", None),
            ("GET", f"/products/{number}", None),
            ("GET", f"/search?q=Teapot+{number % 10}", None),
            ("GET", EMPTY_SEARCH, None),
            ("POST", "/orders/", {"product": str(number)}),
            ("GET", "/orders/mine", None),
            ("GET", f"/orders/{number}/invoice", None),
            ("GET", f"/wp-login-{number}.php", None),
        ),
        weights=(20, 34, 16, 0.3, 10, 9, 5, 1),
    )[0]
    return Visit(method, path, form, caller, address)


def hash_of(text: str) -> int:
    """A number that is the same in every run."""
    return sum(ord(letter) * (place + 3) for place, letter in enumerate(text))


def rhythm(hour: float, weekday: int) -> float:
    """How busy the shop is, from 0 to 1, at an hour of a day (Monday is 0)."""
    day = 0.55 - 0.45 * math.cos((hour - 3) / 24 * 2 * math.pi)
    evening = 0.35 * math.exp(-(((hour - 20) / 2.2) ** 2))
    return min(1.0, (day + evening) * (0.6 if weekday >= 5 else 1.0))


def visits(chance: random.Random) -> Iterator[Visit]:
    """Visits without end."""
    while True:
        yield visit(chance)
