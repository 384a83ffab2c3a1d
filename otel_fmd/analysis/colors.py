"""Colours of endpoints, versions and users."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from colorhash import ColorHash


@lru_cache(maxsize=4096)
def hashed_color(name: str) -> str:
    """FMD's stable hash of a name, as a colour."""
    red, green, blue = ColorHash(name).rgb
    return f"rgb({red}, {green}, {blue})"


def color_of(name: str, colors: Mapping[str, tuple[int, int, int]]) -> str:
    """The colour of a name: as configured, else its hash."""
    chosen = colors.get(name)
    if chosen is None:
        return hashed_color(name)
    red, green, blue = chosen
    return f"rgb({red}, {green}, {blue})"
