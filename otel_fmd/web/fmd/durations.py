"""Durations by endpoint, version, user and address; users and addresses of an endpoint."""

from __future__ import annotations

from otel_fmd.views.fmd import durations
from otel_fmd.web.fmd.bodies import lists
from otel_fmd.web.fmd.route import reading

_POST = ("POST",)
ROUTES = (
    reading("/api/users/<int:endpoint_id>", durations.users),
    reading("/api/ip/<int:endpoint_id>", durations.addresses),
    reading("/api/api_performance", durations.api_performance, lists("endpoints"), _POST),
    reading("/api/multi_version", durations.multi_version, lists("endpoints", "versions"), _POST),
    reading(
        "/api/version_user/<int:endpoint_id>",
        durations.version_users,
        lists("users", "versions"),
        _POST,
    ),
    reading(
        "/api/version_ip/<int:endpoint_id>",
        durations.version_addresses,
        lists("ip", "versions"),
        _POST,
    ),
    reading(
        "/api/endpoint_versions/<int:endpoint_id>",
        durations.endpoint_versions,
        lists("versions"),
        _POST,
    ),
    reading(
        "/api/endpoint_users/<int:endpoint_id>", durations.endpoint_users, lists("users"), _POST
    ),
)
