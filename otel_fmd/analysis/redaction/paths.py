"""Secrets in paths: the parts for which a route has a placeholder with a secret's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

_LONGEST_ROUTE = 1_000
_MOST_SEGMENTS = 64
_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")
"""A named group of a regular expression, as Django's `re_path` has them."""
_PLACEHOLDER = re.compile(r"<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]|[:*][A-Za-z_]\w*")
_SPANNING = re.compile(r"path\b|\*|\.\.\.")
_NAME = re.compile(r"[A-Za-z_][\w-]*")


class _Segment(NamedTuple):
    """A part of a route: its text if it is fixed, the names of its placeholders otherwise."""

    text: str
    names: tuple[str, ...]
    is_spanning: bool


def names_in(route: str) -> Iterable[str]:
    """The names of a route's placeholders."""
    return (name for segment in _segments_of(route[:_LONGEST_ROUTE]) for name in segment.names)


def secret_segments(route: str, path: list[str], is_secret: Callable[[str], bool]) -> list[int]:
    """The places in a path's segments that a route's secret placeholders stand for.

    Args:
        route: in the syntax of any framework: `<token>`, `<string:token>`, `{token}`, `:token`.
        path: the segments of the path; a mounted app's path has more than its route.
        is_secret: whether a placeholder of this name is one.
    """
    segments = _segments_of(route[:_LONGEST_ROUTE])
    spanning = next((i for i, one in enumerate(segments) if one.is_spanning), None)
    spare = len(path) - len(segments)
    # From its end: what stands in front is where the app is mounted.
    for start in range(max(0, spare), -1, -1) if spanning is None else range(spare + 1):
        places = _places(segments, start, len(path), spanning)
        if all(
            one.names or one.text == path[place[0]]
            for one, place in zip(segments, places, strict=True)
            if place and place[0] < len(path)
        ):
            return [
                place
                for one, held in zip(segments, places, strict=True)
                for place in held
                if place < len(path) and any(map(is_secret, one.names))
            ]
    return []


def _places(
    segments: tuple[_Segment, ...], start: int, length: int, spanning: int | None
) -> list[range]:
    """The segments of a path that each segment of a route stands for."""
    if spanning is None:
        return [range(start + i, start + i + 1) for i in range(len(segments))]
    after = length - len(segments)
    return [
        range(start + i, start + i + 1)
        if i < spanning
        else range(start + i, after + i + 1)
        if i == spanning
        else range(after + i, after + i + 1)
        for i in range(len(segments))
    ]


@lru_cache(maxsize=1024)
def _segments_of(route: str) -> tuple[_Segment, ...]:
    plain = _GROUP.sub(r"<\1>", route).lstrip("^").rstrip("$")
    return tuple(
        _Segment(
            text,
            tuple(name for one in _PLACEHOLDER.findall(text) for name in _NAME.findall(one)),
            _PLACEHOLDER.search(text) is not None and _SPANNING.search(text) is not None,
        )
        for text in plain.split("/", _MOST_SEGMENTS)
        if text
    )
