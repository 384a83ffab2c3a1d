"""Checks the shape of what a browser sends to callbacks; anything else is answered with 400.

Dash unpacks request bodies without validating them: a malformed one would end in a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from dash import Dash
from flask import abort, request

_UPDATE = "/_dash-update-component"


def check_shape(app: Dash) -> None:
    """Refuse updates that name no callback of the app, or lack one of its parts.

    Args:
        app: the Dash app, with all of its callbacks.
    """

    @app.server.before_request
    def refuse_other_shapes() -> None:
        if request.method == "POST" and request.path.endswith(_UPDATE):
            body = request.get_json(silent=True)
            if not _is_update(body) or not _has_all_parts(body, app.callback_map):
                abort(400, "not an update of this dashboard")


def _is_update(body: Any) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(body, dict)
        and isinstance(body.get("output"), str)
        and isinstance(body.get("inputs"), list)
        and isinstance(body.get("state", []), list)
        and _are_parts(body["inputs"])
        and _are_parts(body.get("state", []))
        and _are_parts(body.get("outputs"))
        and isinstance(body.get("changedPropIds", []), list)
        and all(isinstance(one, str) and "." in one for one in body.get("changedPropIds", []))
    )


def _has_all_parts(body: dict[str, Any], callbacks: Mapping[str, Any]) -> bool:
    """Whether there is such a callback, with so many outputs, inputs and states."""
    name, outputs = body["output"], body["outputs"]
    callback = callbacks.get(name)
    if callback is None:
        return False
    expected = len(name.strip(".").split("...")) if name.startswith("..") else None
    found = len(outputs) if isinstance(outputs, list) else None
    return (
        found == expected
        and len(body["inputs"]) == len(callback["inputs"])
        and len(body.get("state", [])) == len(callback["state"])
    )


def _are_parts(parts: Any) -> bool:
    """Whether each is a component property, or a list of those (for pattern-matching ids)."""
    if isinstance(parts, dict):
        return isinstance(parts.get("id"), str | dict) and isinstance(parts.get("property"), str)
    return isinstance(parts, list) and all(_are_parts(one) for one in parts)
