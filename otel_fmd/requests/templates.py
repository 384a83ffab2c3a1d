"""Templates of paths: what is the same for all requests of an endpoint, without their values."""

from __future__ import annotations

import re
from functools import lru_cache

VALUE = "{id}"
"""Stands for a number, an identifier or another value in a path."""
REST = "..."
"""Stands for what is deeper than `MOST_SEGMENTS`."""
MOST_SEGMENTS = 8
_LONGEST_WORD = 40
_PLAIN = re.compile(r"[A-Za-z0-9._~!$'+,:-]*")
_NUMBER = re.compile(r"[0-9]+(?:[,:_~-][0-9]+)*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HASH = re.compile(r"(?=.*[0-9])[0-9a-fA-F]{8,}|[0-9a-fA-F]{16,}")
_NUMBER_WITHIN = re.compile(r"(?<=[-_])[0-9]+(?![A-Za-z])|[0-9]{3,}")
_PLACEHOLDER = re.compile(r"[{<*[(]|/:[A-Za-z]")
_SPANNING = re.compile(r"\*|[({<:]path\b|:path[}>]|\.\.\.|\(|\[\w*$")


@lru_cache(2_048)
def template_of(path: str) -> str:
    """The template of a path: numbers, UUIDs, hashes and other long tokens become `{id}`.

    A segment is cut at `;`, and each part of it between dots is examined by itself; anything deeper
    than eight segments becomes `...`.
    """
    segments = [part for part in path.split("/", 64) if part]
    found = [_segment(part) for part in segments[:MOST_SEGMENTS]]
    if len(segments) > MOST_SEGMENTS:
        found.append(REST)
    return "/" + "/".join(found)


def has_placeholder(template: str) -> bool:
    """Whether a text has a part such as `{id}`, `<id>`, `:id` or `*`."""
    return _PLACEHOLDER.search(template) is not None


def is_part_of_path(route: str, path: str) -> bool:
    """Whether a route covers only the beginning of a path: of a mounted app, or a subtree.

    Frameworks whose apps can be mounted in another one (Starlette's `Mount`, Go's patterns with a
    slash at their end) know the outer route; a route such as `/files/*` itself says that it covers
    more.
    """
    if not 0 < len(route) < len(path) or _SPANNING.search(route):
        return False
    mine = [part for part in route.split("/") if part]
    theirs = [part for part in path.split("/", 64) if part]
    if len(theirs) <= len(mine):
        return False
    return all(
        one == other or has_placeholder(f"/{one}") for one, other in zip(mine, theirs, strict=False)
    )


def _segment(text: str) -> str:
    text = text.partition(";")[0]
    if not _PLAIN.fullmatch(text):
        return VALUE
    if _NUMBER.fullmatch(text.replace(".", "-")):
        return VALUE
    return ".".join(_part(part) for part in text.split("."))


def _part(text: str) -> str:
    if len(text) > _LONGEST_WORD or _NUMBER.fullmatch(text) or _UUID.fullmatch(text):
        return VALUE
    if _HASH.fullmatch(text) or _is_token(text):
        return VALUE
    return _NUMBER_WITHIN.sub(VALUE, text)


def _is_token(text: str) -> bool:
    """Whether it was made by chance: long and with several digits, or in both cases besides."""
    digits = sum(character.isdigit() for character in text)
    if digits < 2 or len(text) < 8 or digits == len(text):
        return False
    return len(text) >= 16 or not (text.islower() or text.isupper())
