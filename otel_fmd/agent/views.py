"""The code of a view, below its decorators."""

from __future__ import annotations

import functools
import inspect
from types import CodeType, FunctionType
from typing import Any

_DEEPEST = 20


def code_of_view(view: Any) -> CodeType | None:
    """The code whose lines a view's time is spent in; None when it has none in Python.

    Decorators that say what they wrap (`functools.wraps`), bound methods, `functools.partial` and
    objects with `__call__` are seen through.
    """
    for _ in range(_DEEPEST):
        view = inspect.unwrap(view)
        view = getattr(view, "__func__", view)
        code = getattr(view, "__code__", None)
        if isinstance(code, CodeType):
            return code
        if isinstance(view, functools.partial | functools.partialmethod):
            view = view.func
            continue
        called = getattr(type(view), "__call__", None)  # noqa: B004 - its code is needed
        if not isinstance(called, FunctionType):
            return None
        view = called
    return None
