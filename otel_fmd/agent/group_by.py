"""FMD's group-by: a value, a function, a tuple or list of those, nested to any depth."""

from __future__ import annotations

from typing import Any


def group_by_text(argument: Any) -> str:
    """The text of a group-by argument, as FMD writes it: tuples and lists as `(a,b)`.

    Functions are called without arguments, in the context of the request.
    """
    if isinstance(argument, tuple | list):
        return f"({','.join(group_by_text(part) for part in argument)})"
    if callable(argument):
        return group_by_text(argument())
    return str(argument)
