"""Reading bodies as FMD's clients send them; what is wrong is named in a `RequestError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request

from otel_fmd.analysis.text import clean
from otel_fmd.views.fmd.problems import RequestError

MOST_NAMES = 200
"""Most names in a list."""
_LONGEST = 1_000
_LEAST_ID, _MOST_ID = 1, 2**31 - 1


def json_object() -> Mapping[str, Any]:
    """The body.

    Raises:
        RequestError: it is no JSON object.
    """
    try:
        found = request.get_json(silent=True, force=True)
    except RecursionError:
        raise RequestError("body: nested too deeply") from None
    if not isinstance(found, dict):
        raise RequestError("body: expected a JSON object")
    return found


def lists(*names: str) -> Callable[[], Mapping[str, Any]]:
    """Reads lists of names from `{"data": {name: [...]}}`."""

    def read() -> Mapping[str, Any]:
        data = json_object().get("data")
        if not isinstance(data, dict):
            raise RequestError('data: expected an object, as in {"data": {...}}')
        return {name: _names(name, data.get(name)) for name in names}

    return read


def _names(where: str, value: Any) -> list[str | None]:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise RequestError(f"data.{where}: expected a list of at most {MOST_NAMES} names")
    if not all(one is None or (isinstance(one, str) and len(one) <= _LONGEST) for one in value):
        raise RequestError(f"data.{where}: expected names of at most {_LONGEST:,} characters")
    return [None if one is None else clean(one) for one in value]


def intervals() -> Mapping[str, Any]:
    """Reads the two times of a report, as unix seconds."""
    body = json_object()
    return {
        "baseline": _interval("baseline_interval", body.get("baseline_interval")),
        "interval": _interval("interval", body.get("interval")),
    }


def _interval(where: str, value: Any) -> tuple[float, float]:
    found = value if isinstance(value, dict) else {}
    return _seconds(where, found.get("from")), _seconds(where, found.get("to"))


def _seconds(where: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
        return float(value)
    raise RequestError(f"{where}: expected unix seconds as `from` and `to`", 422)


def commits() -> Mapping[str, Any]:
    """Reads the two versions of a report."""
    body = json_object()
    found = {}
    for name, ours in (("baseline_commit_version", "baseline"), ("commit_version", "version")):
        value = body.get(name)
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise RequestError(f"{name}: expected the name of a version", 422)
        found[ours] = clean(value)
    return found


def field(name: str) -> str:
    """A field of the form.

    Raises:
        RequestError: it is missing or too long.
    """
    value = request.form.get(name)
    if value is None or len(value) > _LONGEST:
        raise RequestError(f"form field {name!r}: expected at most {_LONGEST:,} characters")
    return clean(value)


def user_id() -> int:
    """The id of a user in the form.

    Raises:
        RequestError: it is no id.
    """
    text = field("user_id")
    if not text.isdecimal() or len(text) > 10 or not _LEAST_ID <= int(text) <= _MOST_ID:
        raise RequestError(f"user_id {text[:50]!r}: expected the id of a user")
    return int(text)


def weeks() -> tuple[int, bool]:
    """How many weeks pruning keeps, and whether data of custom graphs goes, too.

    Raises:
        RequestError: the weeks are no natural number, or the other is not true or false.
    """
    body = json_object()
    age, graphs = body.get("age_threshold_weeks"), body.get("delete_custom_graph_data", False)
    if not isinstance(age, int) or isinstance(age, bool) or not 0 <= age <= 10_000:
        raise RequestError("age_threshold_weeks must be a natural number")
    if not isinstance(graphs, bool):
        raise RequestError("delete_custom_graph_data must be true or false")
    return age, graphs
