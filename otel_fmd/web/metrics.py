"""`/metrics` on the port of a dashboard: behind a login, or a token with the scope `read`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

Expose = Callable[[str, str], tuple[bytes, tuple[tuple[str, str], ...]]]
"""The body of the answer to a scrape and its headers, by `Accept` and `Accept-Encoding`."""


def metrics_blueprint(expose: Expose) -> Blueprint:
    """The blueprint `fmd_metrics`."""
    blueprint = Blueprint("fmd_metrics", __name__)

    @blueprint.route("/metrics")
    def metrics() -> ResponseReturnValue:
        accepted = (request.headers.get(name, "") for name in ("Accept", "Accept-Encoding"))
        body, headers = expose(*accepted)
        return Response(body, headers=list(headers))

    return blueprint
