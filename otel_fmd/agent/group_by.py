"""FMD's group-by: a value, a function, a tuple or list of those, nested to any depth."""

from __future__ import annotations

from typing import Any

_MOST_CALLS = 10
"""Functions that return functions: one that returns itself ends here."""


def group_of(argument: Any) -> str | None:
    """The text of a group-by argument; None if it is or returns None: the user is unknown.

    Functions are called without arguments, in the context of the request.
    """
    for _ in range(_MOST_CALLS):
        if not callable(argument):
            break
        argument = argument()
    return None if argument is None else group_by_text(argument)


def group_by_text(argument: Any) -> str:
    """The text of a group-by argument, as FMD writes it: tuples and lists as `(a,b)`."""
    if isinstance(argument, tuple | list):
        return f"({','.join(group_by_text(part) for part in argument)})"
    if callable(argument):
        return group_by_text(argument())
    return str(argument)
