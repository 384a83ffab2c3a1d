"""FMD's telemetry, which is declined: nothing is sent anywhere, and nothing is stored."""

from __future__ import annotations

from flask import Response

from otel_fmd.people.actor import Actor, Role
from otel_fmd.web.fmd.route import Api, Route

_DECLINED = "Telemetry is declined: nothing was sent."


def _is_accepted(_api: Api, _actor: Actor) -> dict[str, bool]:
    """It never is."""
    return {"is_telemetry_accepted": False}


def _is_answered(_api: Api, _actor: Actor) -> dict[str, bool]:
    """It always is, so that nobody is asked."""
    return {"is_telemetry_answered": True}


def _consent(_api: Api, _actor: Actor) -> Response:
    """No consent is needed for nothing."""
    return Response(status=204, mimetype="text/html")


def _feedback(_api: Api, _actor: Actor) -> dict[str, str]:
    """Feedback goes nowhere."""
    return {"message": _DECLINED}


_PATH = "/telemetry"
ROUTES = (
    Route(f"{_PATH}/get_is_telemetry_accepted", ("GET",), Role.GUEST, _is_accepted),
    Route(f"{_PATH}/get_is_telemetry_answered", ("GET",), Role.GUEST, _is_answered),
    Route(f"{_PATH}/accept_telemetry_consent", ("POST",), Role.GUEST, _consent),
    Route(f"{_PATH}/submit_follow_up", ("POST",), Role.GUEST, _feedback),
)
