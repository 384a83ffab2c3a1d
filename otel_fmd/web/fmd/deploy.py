"""What is installed, and how it is configured."""

from __future__ import annotations

from otel_fmd.views.fmd import administration
from otel_fmd.web.fmd.route import reading

ROUTES = (
    reading("/api/deploy_details", administration.deploy_details),
    reading("/api/deploy_config", administration.deploy_config),
    reading("/api/deploy_alert_config", administration.alert_config),
)
