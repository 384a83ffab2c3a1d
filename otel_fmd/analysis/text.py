"""Text: cut so that it fits its column, made harmless where it is shown, and numbers in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b

_HASH_LENGTH = 8
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` without what a database refuses: NUL characters and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "�")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text


def fit(text: str, width: int) -> str:
    """`text` in at most `width` characters: cut texts end in `~` and a hash of the whole.

    Two different texts stay different, and a reader sees that something was cut. Trailing blanks
    are removed, because MariaDB compares `'a'` and `'a '` as equal.
    """
    if len(text) > width:
        if text.isspace():
            return ""
        digest = blake2b(text.encode("utf-8", "replace"), digest_size=_HASH_LENGTH // 2).hexdigest()
        text = f"{text[: width - _HASH_LENGTH - 1]}~{digest}"
    return clean(text).rstrip()


MARGIN = 4_096
"""Characters beyond a column's width that are searched for secrets, too: a secret that is cut may
not be recognised."""


def cut_redacted(text: str, redact: Callable[[str], str], width: int) -> str:
    """A text without secrets, in at most `width` characters; only what may be kept is read."""
    if len(text) <= width + MARGIN:
        return fit(redact(text), width)
    # What is read of the margin is not shown: a secret may be cut at its end.
    shown = redact(text[: width + MARGIN])
    return fit(f"{shown[: max(0, len(shown) - MARGIN)]}~", width)


def visible(text: str) -> str:
    """Text with its direction controls shown instead of applied.

    A name with U+202E would reverse the text after it.
    """
    return text if text.isascii() else _DIRECTIONS.sub(_code_point, text)


def _code_point(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"


def duration_text(ms: float | None) -> str:
    """A duration in words: `850 µs`, `12.3 ms`, `4.56 s`."""
    if ms is None:
        return "–"
    if ms < 1:
        return f"{ms * 1000:.0f} µs"
    if ms < 1000:
        return f"{ms:.3g} ms"
    return f"{ms / 1000:.3g} s"


def count_text(number: float) -> str:
    """A count, abbreviated: `950`, `12.3k`, `4.5M`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            scale = 1e3 if unit == "k" else limit
            return f"{number / scale:.3g}{unit}"
    return f"{number:,.0f}"


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
"""What browsers call themselves: the first that a user agent has is the right one."""
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """A browser and its system, such as `Firefox on Linux`; else the user agent, or `unknown`."""
    browser = next((name for word, name in _BROWSERS if f"{word}/" in user_agent), "")
    system = next((name for word, name in _SYSTEMS if word in user_agent), "")
    if not browser:
        return user_agent[:60] or "unknown"
    return f"{browser} on {system}" if system else browser
