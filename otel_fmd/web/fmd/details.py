"""Outliers and profiles."""

from __future__ import annotations

from otel_fmd.views.fmd import details
from otel_fmd.web.fmd.route import reading

ROUTES = (
    reading("/api/num_outliers/<int:endpoint_id>", details.num_outliers),
    reading("/api/outlier_graph/<int:endpoint_id>", details.outlier_graph),
    reading("/api/outlier_table/<int:endpoint_id>/<offset>/<per_page>", details.outlier_table),
    reading("/api/num_profiled/<int:endpoint_id>", details.num_profiled),
    reading("/api/profiler_table/<int:endpoint_id>/<offset>/<per_page>", details.profiler_table),
    reading("/api/grouped_profiler/<int:endpoint_id>", details.grouped_profiler),
)
