"""Every view: each one listed here can be exported as CSV.

`VIEWS` have pages of the dashboard, `FOR_PROGRAMS` routes of the API alone.
"""

from __future__ import annotations

from typing import Any

from otel_fmd.views.administration import DATABASE, DEPLOY, REFUSED, SETTINGS
from otel_fmd.views.api.administration import INSTALLATION
from otel_fmd.views.api.endpoints import ONE_ENDPOINT, SERVICES, VERSIONS
from otel_fmd.views.callers import ENDPOINT_ADDRESSES, ENDPOINT_USERS
from otel_fmd.views.choices import CHOICES
from otel_fmd.views.deploys import DEPLOYS
from otel_fmd.views.durations import API_PERFORMANCE, ENDPOINT_USER_DURATIONS, ENDPOINT_VERSIONS
from otel_fmd.views.exception_group import EXCEPTION_GROUP
from otel_fmd.views.exceptions import ENDPOINT_EXCEPTIONS, EXCEPTION_GROUPS
from otel_fmd.views.logs import LOGS
from otel_fmd.views.measured import ENDPOINT_MEASURED, MEASURED
from otel_fmd.views.metrics import METRIC_OVER_TIME, METRICS
from otel_fmd.views.outliers import OUTLIER_LOADS, OUTLIERS
from otel_fmd.views.overview import OVERVIEW
from otel_fmd.views.people import AUDIT, SESSIONS, TOKENS, USERS
from otel_fmd.views.profiles import GROUPED_PROFILE, PROFILES
from otel_fmd.views.report import REPORT
from otel_fmd.views.requests import ENDPOINT_STATUS, FAILED_REQUESTS, REQUEST_VIEW, REQUESTS
from otel_fmd.views.runtime import RUNTIME
from otel_fmd.views.series import HISTOGRAM, TIME_SERIES
from otel_fmd.views.utilization import DAILY, ENDPOINT_HOURLY, HOURLY, MULTI_VERSION
from otel_fmd.views.view import View

VIEWS: tuple[View[Any], ...] = (
    OVERVIEW,
    HOURLY,
    DAILY,
    MULTI_VERSION,
    API_PERFORMANCE,
    REPORT,
    ENDPOINT_HOURLY,
    ENDPOINT_USERS,
    ENDPOINT_ADDRESSES,
    ENDPOINT_VERSIONS,
    ENDPOINT_USER_DURATIONS,
    ENDPOINT_STATUS,
    FAILED_REQUESTS,
    OUTLIERS,
    OUTLIER_LOADS,
    PROFILES,
    GROUPED_PROFILE,
    REQUESTS,
    REQUEST_VIEW,
    EXCEPTION_GROUPS,
    ENDPOINT_EXCEPTIONS,
    EXCEPTION_GROUP,
    DEPLOYS,
    LOGS,
    MEASURED,
    ENDPOINT_MEASURED,
    METRICS,
    METRIC_OVER_TIME,
    RUNTIME,
    CHOICES,
    DEPLOY,
    DATABASE,
    SETTINGS,
    REFUSED,
    USERS,
    SESSIONS,
    TOKENS,
    AUDIT,
)
FOR_PROGRAMS: tuple[View[Any], ...] = (
    TIME_SERIES,
    HISTOGRAM,
    SERVICES,
    VERSIONS,
    ONE_ENDPOINT,
    INSTALLATION,
)
