"""Reports of two times and of two versions."""

from __future__ import annotations

from otel_fmd.views.fmd import report
from otel_fmd.web.fmd.bodies import commits, intervals
from otel_fmd.web.fmd.route import reading

_POST = ("POST",)
ROUTES = (
    reading("/api/reporting/make_report/intervals", report.compare_intervals, intervals, _POST),
    reading("/api/reporting/make_report/commits", report.compare_versions, commits, _POST),
)
