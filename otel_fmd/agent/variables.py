"""Local variables as text, without running any code of the app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from otel_fmd.analysis.redaction.redactor import Redactor

_MOST_VARIABLES = 30
_MOST_ITEMS = 10
_DEEPEST = 3
_LONGEST = 200
_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")")}
_PLAIN = (bool, int, float, complex, type(None))


def variables_text(values: Mapping[str, Any], redactor: Redactor) -> str:
    """Local variables of a frame as a JSON object: names and texts, secrets hidden.

    Values of types that the app defines are shown as their type: their `repr` is code of the app,
    which may read a database, or fail.
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if len(found) >= _MOST_VARIABLES:
            break
        if name.startswith("__"):
            continue
        found[name] = redactor.value(name, shown(value))
    return json.dumps(found, ensure_ascii=False, default=str)


def shown(value: Any, depth: int = 0) -> str:
    """A value in at most 200 characters."""
    kind = type(value)
    if kind in _PLAIN:
        text = "" if kind is int and value.bit_length() > 4_096 else repr(value)
    elif kind in (str, bytes, bytearray):
        return _cut(repr(value[: _LONGEST + 1]))
    elif kind in (list, tuple, set, frozenset, dict) and depth < _DEEPEST:
        return _cut(_container(value, depth))
    else:
        text = f"<{kind.__module__}.{kind.__qualname__}>"
    return _cut(text or f"<{kind.__name__}>")


def _container(value: Any, depth: int) -> str:
    is_dict = type(value) is dict
    items: list[str] = []
    try:
        for item in value.items() if is_dict else value:
            if len(items) >= _MOST_ITEMS:
                items.append(f"… {len(value)} in all")
                break
            if is_dict:
                items.append(f"{shown(item[0], depth + 1)}: {shown(item[1], depth + 1)}")
            else:
                items.append(shown(item, depth + 1))
    except RuntimeError:
        items.append("… changed meanwhile")
    opened, closed = _BRACKETS.get(type(value).__name__, ("{", "}"))
    return f"{opened}{', '.join(items)}{closed}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
