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
_SEARCHED = 4_096
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
        found[name] = _cut(redactor.text(str(redactor.value(name, shown(value, redactor)))))
    return json.dumps(found, ensure_ascii=False, default=str)


def shown(value: Any, redactor: Redactor, depth: int = 0) -> str:
    """A value in a few thousand characters, as much as is searched for secrets."""
    kind = type(value)
    if kind in _PLAIN:
        return "<int>" if kind is int and value.bit_length() > 4_096 else repr(value)
    if kind in (str, bytes, bytearray):
        return repr(value[:_SEARCHED])
    if kind in (list, tuple, set, frozenset, dict) and depth < _DEEPEST:
        return _container(value, redactor, depth)
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _container(value: Any, redactor: Redactor, depth: int) -> str:
    is_dict = type(value) is dict
    items: list[str] = []
    option = ""
    try:
        for item in value.items() if is_dict else value:
            if len(items) >= _MOST_ITEMS:
                items.append(f"… {len(value)} in all")
                break
            if is_dict:
                inner = shown(item[1], redactor, depth + 1)
                if type(item[0]) is str:
                    inner = str(redactor.value(item[0], inner))
                items.append(f"{shown(item[0], redactor, depth + 1)}: {inner}")
            else:
                inner = shown(item, redactor, depth + 1)
                # What follows an option of a command: `["--password", "hunter2"]`.
                items.append(str(redactor.value(option, inner)) if option else inner)
                is_option = type(item) is str and item.startswith("-")
                option = item.lstrip("-") if is_option else ""
    except RuntimeError:
        items.append("… changed meanwhile")
    opened, closed = _BRACKETS.get(type(value).__name__, ("{", "}"))
    return f"{opened}{', '.join(items)}{closed}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
