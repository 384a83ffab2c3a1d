"""The routes that read: each is made from a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Response

from otel_fmd.analysis.pprof import pprof
from otel_fmd.analysis.stacks import Line, collapsed, speedscope, stacks_of
from otel_fmd.views.administration import DATABASE, REFUSED, SETTINGS
from otel_fmd.views.api import (
    administration,
    durations,
    endpoints,
    load,
    logs,
    metrics,
    profiles,
    requests,
)
from otel_fmd.views.api.endpoints import BLUEPRINTS, ENDPOINTS_OVERVIEW
from otel_fmd.views.api.look import SELECTION, SERVICE, TIMES
from otel_fmd.views.api.requests import REQUESTS_PAGE
from otel_fmd.views.callers import ENDPOINT_ADDRESSES, ENDPOINT_USERS
from otel_fmd.views.deploys import DEPLOYS
from otel_fmd.views.durations import API_PERFORMANCE, ENDPOINT_USER_DURATIONS, ENDPOINT_VERSIONS
from otel_fmd.views.load import load as load_views
from otel_fmd.views.logs import LOGS
from otel_fmd.views.measured import ENDPOINT_MEASURED, MEASURED
from otel_fmd.views.metrics import METRIC_OVER_TIME, METRICS, NoMetric
from otel_fmd.views.outliers import OUTLIER_LOADS, OUTLIERS
from otel_fmd.views.parameters import Parameter, one_of, one_schema
from otel_fmd.views.people import AUDIT, SESSIONS, TOKENS, USERS
from otel_fmd.views.profiles import GROUPED_PROFILE, PROFILES
from otel_fmd.views.report import REPORT
from otel_fmd.views.requests import ENDPOINT_STATUS, FAILED_REQUESTS, REQUEST_VIEW, NoRequest
from otel_fmd.views.runtime import RUNTIME
from otel_fmd.views.series import HISTOGRAM, TIME_SERIES
from otel_fmd.views.utilization import DAILY, ENDPOINT_HOURLY, HOURLY, MULTI_VERSION
from otel_fmd.views.view import View
from otel_fmd.web.api.lists import (
    CSV,
    CursorPage,
    Items,
    NumberedPage,
    csv,
    listing,
    looked,
    single,
)
from otel_fmd.web.api.problems import ProblemError
from otel_fmd.web.api.route import JSON, Call, Route

ENDPOINTS, LOAD, REQUEST, PEOPLE, SERVER = "endpoints", "load", "requests", "people", "server"
EXCEPTION, METRIC_TAG, LOG = "exceptions", "metrics", "logs"
TAGS = {
    ENDPOINTS: "Services, versions, endpoints: hits, errors and durations.",
    LOAD: "Figures over time, distributions, what changed.",
    REQUEST: "Single requests, outliers, profiles.",
    EXCEPTION: "Groups of exceptions, their occurrences, and what was decided about them.",
    LOG: "What apps log.",
    METRIC_TAG: "Metrics that apps report.",
    PEOPLE: "Users, sessions, tokens, the audit.",
    SERVER: "The installation, its database and its settings.",
}
_PPROF, _TEXT = "application/vnd.google.protobuf", "text/plain"
_PROFILE_FORMATS = {
    "json": JSON,
    "csv": CSV,
    "collapsed": _TEXT,
    "speedscope": JSON,
    "pprof": _PPROF,
}
PROFILE_FORMAT = Parameter(
    "format",
    "`json`; `csv`; `collapsed` stacks in microseconds, for flame graphs; `speedscope`, for "
    "speedscope.app; `pprof`, for `go tool pprof`.",
    one_of(*_PROFILE_FORMATS),
    "json",
    schema=one_schema(*_PROFILE_FORMATS),
)


def _flame(call: Call, tree: Iterable[Line], name: str) -> Response:
    """A profile in one of the formats of other tools."""
    chosen, stacks = call.look.value(PROFILE_FORMAT), stacks_of(tree)
    if chosen == "collapsed":
        return Response(collapsed(stacks), mimetype=_TEXT)
    if chosen == "speedscope":
        return Response(speedscope(stacks, name), mimetype=JSON)
    response = Response(pprof(stacks), mimetype=_PPROF)
    response.headers["Content-Disposition"] = "attachment; filename=profile.pb.gz"
    return response


def _merged_profile(call: Call) -> Any:
    """The merged profile of an endpoint."""
    loaded = looked(call, _MERGED, GROUPED_PROFILE)
    data = loaded[GROUPED_PROFILE]
    if call.look.value(PROFILE_FORMAT) == "csv":
        return csv(loaded, GROUPED_PROFILE)
    if data is None:
        raise ProblemError(404, "There are no profiles in the selected time range.")
    if call.look.value(PROFILE_FORMAT) == "json":
        return profiles.merged(data, loaded.look)
    return _flame(call, profiles.merged_tree(data), f"endpoint {call.look.endpoint_id}")


def _request_profile(call: Call) -> Any:
    """The profile of one request."""
    loaded = load_views(call.api.reader, call.look, (REQUEST_VIEW,))
    data = loaded[REQUEST_VIEW]
    if isinstance(data, NoRequest):
        raise ProblemError(404, data.reason)
    if data.profile is None:
        raise ProblemError(404, f"Request {data.request.id} has no profile.")
    if call.look.value(PROFILE_FORMAT) == "json":
        return profiles.profile(data.profile)
    return _flame(call, profiles.tree(data.profile.lines), f"request {data.request.id}")


def _no_metric(data: Any) -> str:
    """Why a metric has no answer."""
    return data.reason if isinstance(data, NoMetric) else METRIC_OVER_TIME.empty


_MERGED = "/endpoints/<endpoint>/profile"
_MEDIA = (CSV, _TEXT, _PPROF)
_REQUEST_FORMATS = tuple(one for one in _PROFILE_FORMATS if one != "csv")
_REQUEST_FORMAT = Parameter(
    "format",
    PROFILE_FORMAT.help.replace("; `csv`", ""),
    one_of(*_REQUEST_FORMATS),
    "json",
    schema=one_schema(*_REQUEST_FORMATS),
)


def _of_endpoint(
    path: str, view: View[Any], record: Any, make: Callable[[Any, Any], Iterable[Any]]
) -> Route:
    return listing(f"/endpoints/<endpoint>/{path}", ENDPOINTS, view, record, make)


ROUTES: tuple[Route, ...] = (
    listing(
        "/services", ENDPOINTS, endpoints.SERVICES, endpoints.Service, endpoints.services, Items, ()
    ),
    listing(
        "/versions",
        ENDPOINTS,
        endpoints.VERSIONS,
        endpoints.Version,
        endpoints.versions,
        Items,
        (SERVICE,),
    ),
    listing("/deploys", ENDPOINTS, DEPLOYS, load.Deploy, load.deploys, Items, (SERVICE,)),
    listing(
        "/endpoints", ENDPOINTS, ENDPOINTS_OVERVIEW, endpoints.EndpointFigures, endpoints.endpoints
    ),
    listing("/blueprints", ENDPOINTS, BLUEPRINTS, endpoints.BlueprintFigures, endpoints.blueprints),
    single(
        "/endpoints/<endpoint>",
        ENDPOINTS,
        endpoints.ONE_ENDPOINT,
        endpoints.Endpoint,
        endpoints.endpoint,
    ),
    _of_endpoint(
        "versions", ENDPOINT_VERSIONS, durations.VersionDurations, durations.durations_by_version
    ),
    _of_endpoint(
        "user-durations",
        ENDPOINT_USER_DURATIONS,
        durations.UserDurations,
        durations.durations_by_user,
    ),
    _of_endpoint("users", ENDPOINT_USERS, durations.CallerInVersion, durations.callers_in_versions),
    _of_endpoint(
        "addresses", ENDPOINT_ADDRESSES, durations.CallerInVersion, durations.callers_in_versions
    ),
    _of_endpoint("status-codes", ENDPOINT_STATUS, load.StatusCount, load.status_counts),
    _of_endpoint("hourly-load", ENDPOINT_HOURLY, load.HourOfDays, load.hours),
    _of_endpoint("failed-requests", FAILED_REQUESTS, requests.Request, requests.failed),
    listing(
        "/endpoints/<endpoint>/outliers",
        REQUEST,
        OUTLIERS,
        requests.OutlierRequest,
        requests.outlier_requests,
        NumberedPage,
    ),
    listing(
        "/endpoints/<endpoint>/outlier-loads",
        REQUEST,
        OUTLIER_LOADS,
        requests.MachineLoad,
        requests.machine_loads,
    ),
    listing(
        "/endpoints/<endpoint>/profiles",
        REQUEST,
        PROFILES,
        profiles.ProfiledRequest,
        profiles.profiled_requests,
        NumberedPage,
    ),
    Route(
        _MERGED,
        "GET",
        GROUPED_PROFILE.role,
        REQUEST,
        GROUPED_PROFILE.title,
        _merged_profile,
        "The profiles of an endpoint, merged into one tree.",
        (*GROUPED_PROFILE.parameters, *SELECTION, PROFILE_FORMAT),
        profiles.MergedProfile,
        media=_MEDIA,
        views=(GROUPED_PROFILE,),
    ),
    single(
        "/endpoints/<endpoint>/by-metrics",
        METRIC_TAG,
        ENDPOINT_MEASURED,
        metrics.EndpointByMetrics,
        metrics.endpoint_by_metrics,
        TIMES,
        missing=lambda _: ENDPOINT_MEASURED.empty,
    ),
    listing(
        "/durations",
        LOAD,
        API_PERFORMANCE,
        durations.EndpointDurations,
        durations.durations_by_endpoint,
    ),
    listing("/time-series", LOAD, TIME_SERIES, load.Step, load.steps),
    listing("/histogram", LOAD, HISTOGRAM, load.Bucket, load.buckets),
    listing("/hourly-load", LOAD, HOURLY, load.HourOfDays, load.hours),
    listing("/daily-load", LOAD, DAILY, load.EndpointLoad, load.days),
    listing("/version-shares", LOAD, MULTI_VERSION, load.VersionShare, load.shares),
    single("/report", LOAD, REPORT, load.Report, load.comparison, SELECTION),
    listing("/metrics", METRIC_TAG, METRICS, metrics.Metric, metrics.metrics, Items, (SERVICE,)),
    single(
        "/metrics/<metric>",
        METRIC_TAG,
        METRIC_OVER_TIME,
        metrics.MetricOverTime,
        metrics.over_time,
        TIMES,
        missing=_no_metric,
    ),
    listing(
        "/measured-endpoints",
        METRIC_TAG,
        MEASURED,
        metrics.MeasuredEndpoint,
        metrics.measured,
        parameters=(SERVICE, *TIMES),
    ),
    listing(
        "/runtime",
        METRIC_TAG,
        RUNTIME,
        metrics.RuntimePanel,
        metrics.runtime,
        parameters=(SERVICE, *TIMES),
    ),
    listing("/requests", REQUEST, REQUESTS_PAGE, requests.Request, requests.page, CursorPage),
    listing("/logs", LOG, LOGS, logs.LogRecord, logs.page, CursorPage, (SERVICE, *TIMES)),
    single(
        "/requests/<request>",
        REQUEST,
        REQUEST_VIEW,
        requests.RequestDetails,
        requests.details,
        missing=lambda data: data.reason,
    ),
    Route(
        "/requests/<request>/profile",
        "GET",
        REQUEST_VIEW.role,
        REQUEST,
        "Profile",
        _request_profile,
        "The profile of one request.",
        (*REQUEST_VIEW.parameters, _REQUEST_FORMAT),
        profiles.Profile,
        media=(_TEXT, _PPROF),
        views=(REQUEST_VIEW,),
    ),
    single(
        "/installation",
        SERVER,
        administration.INSTALLATION,
        administration.Installation,
        administration.installation,
    ),
    single("/database", SERVER, DATABASE, administration.DatabaseState, administration.database),
    listing(
        "/settings", SERVER, SETTINGS, administration.Setting, administration.settings, Items, ()
    ),
    listing(
        "/refused-senders",
        SERVER,
        REFUSED,
        administration.RefusedSender,
        administration.refused_senders,
        Items,
        (),
    ),
    listing("/users", PEOPLE, USERS, administration.User, administration.user_list, Items, ()),
    listing("/tokens", PEOPLE, TOKENS, administration.Token, administration.token_list, Items, ()),
    listing(
        "/sessions",
        PEOPLE,
        SESSIONS,
        administration.Session,
        administration.session_list,
        Items,
        (),
    ),
    listing(
        "/audit",
        PEOPLE,
        AUDIT,
        administration.AuditEntry,
        administration.audit_entries,
        parameters=TIMES,
    ),
)
