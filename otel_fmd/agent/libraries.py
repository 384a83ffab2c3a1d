"""Which lines of a stack are the app's own, and the packages that represent all others.

A page of a large application is sixty frames deep, most of them in frameworks and libraries. A run
of frames of one package becomes one line, the package; its own lines stay below it if the time
was spent in them.
"""

from __future__ import annotations

import sys
import sysconfig
from functools import lru_cache
from types import CodeType

from otel_fmd.agent.stack import Path

Line = tuple[CodeType | str, int]
"""A line of code; or the name of a package that represents its lines, and 0."""
TreePath = tuple[Line, ...]

_INSTALLED = ("/site-packages/", "/dist-packages/")
_STANDARD = tuple(
    {sysconfig.get_path(name).replace("\\", "/") + "/" for name in ("stdlib", "platstdlib")}
)


@lru_cache(maxsize=8192)
def package_of(filename: str) -> str:
    """The library that a file belongs to, such as `sqlalchemy`; '' for code of the app."""
    name = filename.replace("\\", "/")
    for mark in _INSTALLED:
        _, found, inside = name.rpartition(mark)
        if found:
            return _top(inside)
    for folder in _STANDARD:
        if name.startswith(folder):
            return _top(name.removeprefix(folder))
    if name.startswith("<frozen "):
        return _top(name.removeprefix("<frozen ").rstrip(">").replace(".", "/"))
    return ""


def folded(path: Path, own: str) -> TreePath:
    """A path whose runs of library lines are packages; the last run keeps its lines below it.

    Args:
        path: lines from the endpoint down.
        own: the package that the endpoint is in, whose lines are the app's own; '' when it is in
            none.
    """
    found: list[Line] = []
    place, length = 0, len(path)
    while place < length:
        package = package_of(path[place][0].co_filename)
        if not package or package == own:
            found.append(path[place])
            place += 1
            continue
        end = place + 1
        while end < length and package_of(path[end][0].co_filename) == package:
            end += 1
        found.append((package, 0))
        if end == length:
            found.extend(path[place:end])
        place = end
    return tuple(found)


def _top(inside: str) -> str:
    name = inside.partition("/")[0]
    return name.removesuffix(".py") or sys.implementation.name
