"""`/healthz` and `/readyz` of a dashboard: open to everyone, and disclosing nothing else."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from otel_fmd._version import __version__
from otel_fmd.errors import OtelFmdError
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store


def health_blueprint(store: Store) -> Blueprint:
    """The blueprint `fmd_health`."""
    blueprint = Blueprint("fmd_health", __name__)

    @blueprint.route("/healthz")
    def healthz() -> ResponseReturnValue:
        return jsonify(status="ok", version=__version__)

    @blueprint.route("/readyz")
    def readyz() -> ResponseReturnValue:
        try:
            prepare(store)
        except OtelFmdError as error:
            return jsonify(status="unavailable", error=error.advice), 503
        return jsonify(status="ready")

    return blueprint
