"""Values of attributes, from protobuf and from JSON, as Python values."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from otel_fmd.otlp.errors import BadDataError, TooLargeError
from otel_fmd.otlp.messages import Pair, Value
from otel_fmd.otlp.wire import PAIRS, fields
from otel_fmd.signals.record import AttributeValue

MOST_PAIRS = 4_096
"""Attributes read of one span, event or resource, and values of one list or map; more are left."""
_MAX_DEPTH = 32
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def text_of(text: str | bytes) -> str:
    """A text of the wire; what is not UTF-8 in it is replaced."""
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def value_of(value: Any, depth: int = 0) -> AttributeValue:
    """The Python value of a `Value`; lists and maps nested too deep, or too large, are None."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "string_value":
        return text_of(found)
    if kind not in ("array_value", "kvlist_value"):
        return found
    if depth >= _MAX_DEPTH:
        return None
    try:
        if kind == "kvlist_value":
            return _pairs_within(found, depth + 1)
        parts = fields(found, 0, len(found), MOST_PAIRS)
        return [
            value_of(Value.FromString(found[begin:end]), depth + 1)
            for tag, begin, end in parts
            if tag == PAIRS
        ]
    except (BadDataError, TooLargeError, DecodeError):
        return None


def _pairs_within(data: bytes, depth: int) -> dict[str, AttributeValue]:
    parts = fields(data, 0, len(data), MOST_PAIRS)
    return pairs_of((data[begin:end] for tag, begin, end in parts if tag == PAIRS), depth)


def pairs_of(parts: Iterable[bytes], depth: int = 0) -> dict[str, AttributeValue]:
    """The values of encoded attributes (`KeyValue`), by key.

    Raises:
        DecodeError: one of them is none.
    """
    found: dict[str, AttributeValue] = {}
    for part in parts:
        pair = Pair.FromString(part)
        found[text_of(pair.key)] = value_of(pair.value, depth)
    return found


def json_pairs(pairs: Any, depth: int = 0) -> dict[str, AttributeValue]:
    """The values of attributes in OTLP/JSON: a list of `{"key": ..., "value": {...}}`.

    Raises:
        ValueError: they are none; the message says why.
    """
    if pairs is None:
        return {}
    if not isinstance(pairs, list):
        raise ValueError(f"attributes must be a list; got {str(pairs)[:50]!r}")
    found: dict[str, AttributeValue] = {}
    for pair in pairs:
        key = pair.get("key", "") if isinstance(pair, Mapping) else None
        if not isinstance(key, str):
            raise ValueError(f"an attribute must have a key; got {str(pair)[:50]!r}")
        try:
            found[whole_text(key)] = json_value(pair.get("value"), depth)
        except ValueError as error:
            raise ValueError(f"attribute {key[:50]!a}: {error}") from None
    return found


def json_value(value: Any, depth: int = 0) -> AttributeValue:
    """The Python value of an `AnyValue` in OTLP/JSON; nested too deep, or unknown, it is None.

    Raises:
        ValueError: it is none; the message says why.
    """
    if value is None or value == {}:
        return None
    if not isinstance(value, dict):
        raise ValueError(f"a value must be an object such as stringValue; got {str(value)[:50]!r}")
    for kind, read in _JSON_VALUES.items():
        if kind in value:
            return read(value[kind])
    if "arrayValue" not in value and "kvlistValue" not in value:
        return None
    inner = value.get("arrayValue", value.get("kvlistValue"))
    if not isinstance(inner, dict) or depth >= _MAX_DEPTH:
        return None
    items = inner.get("values") or []
    if "kvlistValue" in value:
        return json_pairs(items, depth + 1)
    if not isinstance(items, list):
        raise ValueError(f"values must be a list; got {str(items)[:50]!r}")
    return [json_value(item, depth + 1) for item in items]


def whole_text(value: Any) -> str:
    """A text without halves of characters (lone surrogates), which no database takes.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        raise ValueError(f"a text was expected; got {str(value)[:50]!r}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"half a character (surrogate) in {value[:50]!a}") from None
    return value


def whole_number(value: Any, least: int, most: int) -> int:
    """A 64-bit integer, which may come as text.

    Raises:
        ValueError: it is none, or out of range.
    """
    if (isinstance(value, str) and _WHOLE.fullmatch(value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"a whole number from {least} to {most} was expected; got {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return ascii(str(value)[:50]) if not isinstance(value, int) else str(value)[:50]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"true or false was expected; got {str(value)[:50]!a}")
    return value


def decimal_number(value: Any) -> float:
    """A number, which may come as text where JSON has no word for it.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str):
        value = _NUMBERS.get(value, value)
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"a number was expected; got {str(value)[:50]!a}") from None


def _data(value: Any) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=None)
    except (TypeError, ValueError):
        raise ValueError(f"base64 was expected; got {str(value)[:50]!a}") from None


_JSON_VALUES: dict[str, Any] = {
    "stringValue": whole_text,
    "intValue": lambda value: whole_number(value, -(2**63), 2**63 - 1),
    "boolValue": _flag,
    "doubleValue": decimal_number,
    "bytesValue": _data,
}
