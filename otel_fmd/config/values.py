"""Texts of settings to values; each raises ValueError with what was expected."""

from __future__ import annotations

import ast
import json
import os
import re
import time
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from otel_fmd.analysis.cron import NEVER, is_cron, next_run
from otel_fmd.analysis.renaming import read_rule
from otel_fmd.errors import ConfigurationError

Parse = Callable[[str], Any]
_RULE_ENDS = re.compile(r"\n|;(?=\s|$)")


def from_argument(given: Any, default: Any, parse: Parse) -> Any:
    """The value of a setting from an argument: a string, or the Python type for it.

    Args:
        given: the argument; strings are parsed, other values are checked as their strings would be.
        default: the setting's default, which determines its type.
        parse: parses strings.

    Raises:
        ValueError: with what was expected.
    """
    if isinstance(given, str):
        return parse(given)
    if isinstance(default, tuple):
        if isinstance(given, list | tuple) and all(isinstance(one, str) for one in given):
            return tuple(value for one in given for value in parse(one))
        raise ValueError("a list of strings")
    if isinstance(default, dict):
        return parse(json.dumps(given, default=str))
    if isinstance(default, bool) or not isinstance(given, bool):
        if isinstance(given, bool | int | float):
            return parse(str(given))
        if isinstance(given, os.PathLike) and isinstance(default, str):
            return parse(os.fspath(given))
        if hasattr(given, "render_as_string"):
            # SQLAlchemy's URL; its text hides the password.
            return parse(given.render_as_string(hide_password=False))
    raise ValueError("a string" if isinstance(default, str) else "a number")


def text(value: str) -> str:
    """Any text."""
    return value


def flag(value: str) -> bool:
    """True or false, in several spellings."""
    plain = value.strip().lower()
    if plain in ("1", "true", "yes", "on"):
        return True
    if plain in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("true or false")


def one_of(*values: str) -> Parse:
    """One of these words, in upper case."""

    def parse(value: str) -> str:
        found = value.strip().upper()
        if found not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return found

    return parse


def whole(least: int, most: int) -> Parse:
    """A whole number in a range."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return number

    return parse


def decimal(least: float, most: float = float("inf")) -> Parse:
    """A number of at least so much, and at most so much."""
    expected = f"a number of at least {least:g}"
    if most < float("inf"):
        expected = f"a number from {least:g} to {most:g}"

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = least - 1
        if not least <= number <= most or number == float("inf"):
            raise ValueError(expected)
        return number

    return parse


def words(value: str) -> tuple[str, ...]:
    """Words with commas between them."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def rules(value: str) -> tuple[str, ...]:
    """Rules that rename endpoints, on lines of their own or with `;` and a blank between them."""
    found = tuple(rule.strip() for rule in _RULE_ENDS.split(value) if rule.strip(" \t\r\n;"))
    for rule in found:
        try:
            read_rule(rule)
        except ConfigurationError as error:
            raise ValueError(f"rules such as `GET /items/.* -> items`; {error}") from None
    return found


def networks(value: str) -> tuple[str, ...]:
    """Addresses and networks with commas between them."""
    found = words(value)
    for one in found:
        try:
            ip_network(one, strict=False)
        except ValueError:
            raise ValueError("addresses or networks such as 127.0.0.1,10.0.0.0/8") from None
    return found


def zone(value: str) -> str:
    """A time zone of the machine's database, or nothing."""
    if value:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("a time zone such as Europe/Amsterdam, or nothing") from None
    return value


PORT = whole(0, 65535)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def size(value: str) -> int:
    """Bytes, with a unit of 1024s."""
    plain = value.strip().upper().removesuffix("IB").removesuffix("B")
    unit = plain[-1:] if plain[-1:].isalpha() else ""
    try:
        number = float(plain.removesuffix(unit))
    except ValueError:
        number = -1.0
    if unit not in _UNITS or not 0 <= number < float("inf"):
        raise ValueError("a size such as 500M, 20G, or 0 for no limit")
    return int(number * _UNITS[unit])


def cron(value: str) -> str:
    """Five fields; the library that reads them is asked where it is installed."""
    if not value:
        return value
    is_usable = len(value.split()) == 5
    if is_usable and find_spec("croniter"):
        is_usable = is_cron(value) and next_run(value, time.time()) < NEVER
    if not is_usable:
        raise ValueError(
            "a cron schedule of five fields that is due at some time, such as `0 3 * * *`, or "
            "nothing"
        )
    return value


def colors(value: str) -> dict[str, tuple[int, int, int]]:
    """FMD's COLORS: `{'main': '[0,97,255]'}`, or `{"main": [0, 97, 255]}`."""
    if not value.strip():
        return {}
    expected = "colours such as {'main': '[0,97,255]'}: red, green, blue from 0 to 255"
    try:
        found = _literal(value)
        pairs = {str(name): _literal(c) if isinstance(c, str) else c for name, c in found.items()}
        made = {name: tuple(int(part) for part in parts) for name, parts in pairs.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError):
        raise ValueError(expected) from None
    if not all(len(c) == 3 and min(c) >= 0 and max(c) <= 255 for c in made.values()):
        raise ValueError(expected)
    return {name: (c[0], c[1], c[2]) for name, c in made.items()}


def path(value: str) -> str:
    """A path below the app's own, without the slash at its end; '' for none."""
    plain = value.strip().strip("/")
    is_plain = plain.isascii() and all(c.isalnum() or c in "-_./" for c in plain)
    # Browsers resolve `..` before they ask.
    if plain and (not is_plain or {"", ".", ".."} & set(plain.split("/"))):
        raise ValueError("a path such as /dashboard, of ASCII letters, digits and - _ . /")
    return f"/{plain}" if plain else ""


def address(value: str) -> str:
    """An http or https URL without its last slash, or nothing."""
    plain = value.strip().rstrip("/")
    if plain and not plain.startswith(("http://", "https://")):
        raise ValueError("a URL such as http://127.0.0.1:4318, or nothing")
    return plain


def public_url(value: str) -> str:
    """The URL of the dashboard in browsers, without its last slash, or nothing."""
    plain = value.strip().rstrip("/")
    try:
        parts = urlsplit(plain)
        is_usable = not plain or (bool(parts.hostname) and (parts.port is None or parts.port > 0))
    except ValueError:
        is_usable = False
    is_web = not plain or plain.startswith(("http://", "https://"))
    if not is_usable or not is_web or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("a URL such as https://fmd.example.com/dashboard, or nothing")
    return f"{parts.scheme}://{parts.netloc}{path(parts.path)}" if plain else ""


def _literal(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return ast.literal_eval(value)
