"""Requests per day and per hour, custom graphs."""

from __future__ import annotations

from otel_fmd.views.fmd import load
from otel_fmd.web.fmd.route import reading

ROUTES = (
    reading("/api/requests/<start>/<end>", load.daily_requests),
    reading("/api/hourly_load/<start>/<end>", load.hourly_load),
    reading("/api/hourly_load/<start>/<end>/<int:endpoint_id>", load.hourly_load),
    reading("/api/custom_graphs", load.graph_list),
    reading("/api/custom_graph/<graph_id>/<start>/<end>", load.graph_data),
)
