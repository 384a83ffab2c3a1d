"""Where the answers of our FMD API are meant to differ from the original's.

`docs/fmd-api.md` lists the same, which a test checks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

EVERY = "every route"


class Difference(NamedTuple):
    """A difference that is meant.

    Args:
        route: the route, as it is documented.
        reason: as it is documented.
        keys: of the JSON that differ; none if the whole answer does.
        path: how the paths that differ end; '' for all of the route.
        unordered: whether only the order of the lists at these keys differs.
    """

    route: str
    reason: str
    keys: tuple[str, ...] = ()
    path: str = ""
    unordered: bool = False


ANSWERS = (
    Difference(
        "GET /api/users/<endpoint_id>",
        "FMD counts 0 requests without a user, whatever their number; here they are counted.",
        ("hits",),
        "/api/users/1",
    ),
    Difference(
        "POST /api/endpoint_users/<endpoint_id>",
        "FMD's date of a user's first request is always 0; here it is that date.",
        ("date",),
    ),
    Difference(
        "POST /api/reporting/make_report/commits",
        "FMD's report of two versions is always empty with SQLAlchemy 2; here it compares them.",
    ),
    Difference(
        "POST /api/reporting/make_report/intervals",
        "FMD gives the durations in no order; here they are ascending, at most 1,000 a side.",
        ("baseline", "comparison"),
        unordered=True,
    ),
    Difference(
        "GET /api/endpoint_info/<endpoint_id>",
        "FMD gives the methods in no order; here they are sorted. In `serve`, which does not "
        "know the app, rules and methods are those in the endpoint's name, if any.",
        ("methods",),
        unordered=True,
    ),
    Difference(
        "GET /api/deploy_details",
        "`dashboard-version` is that of otel-fmd; `fmd-id` is the one that FMD stored, or null.",
        ("dashboard-version", "fmd-id"),
    ),
    Difference(
        "GET /api/deploy_config",
        "FMD shows the database with its password; here it is hidden. `timezone` is `UTC` if "
        "none is configured, not the machine's.",
        ("database_name", "timezone"),
    ),
    Difference(
        "GET /database_pruning/get_database_size",
        "The size includes the tables and the log of otel-fmd.",
        ("size",),
    ),
    Difference(
        "GET /telemetry/get_is_telemetry_answered",
        "Telemetry is declined from the start, so nobody is asked.",
    ),
    Difference(
        "GET /api/endpoints",
        "FMD creates an endpoint when `api_performance` asks for a name that there is not; here "
        "reading changes nothing.",
        path="/api/endpoints?asked",
    ),
    Difference(
        "GET /api/endpoints_hits",
        "After pruning, FMD counts the rows that are left; here figures come from rollups, which "
        "are kept.",
        path="/api/endpoints_hits?pruned",
    ),
    Difference(
        "GET /api/hourly_load/<start_date>/<end_date>",
        "FMD answers 500 to a range that ends before it begins; here it has no days.",
        path="?reversed",
    ),
    Difference(
        "GET /api/hourly_load/<start_date>/<end_date>/<endpoint_id>",
        "The same.",
        path="?reversed",
    ),
    Difference(
        "POST /api/set_rule",
        "FMD says OK to a name that there is not; here it is 404.",
        path="/api/set_rule?unknown",
    ),
    Difference(
        "POST /api/user/create",
        "Passwords need at least 12 characters; the message of a taken name quotes it.",
        ("message",),
    ),
    Difference(
        "POST /api/user/delete",
        "FMD says OK to an id that there is not; here it is 400.",
        path="/api/user/delete?unknown",
    ),
    Difference(
        "DELETE /api/exception_occurrence/<stack_trace_snapshot_id>",
        "FMD says ok to an id that there is not; here it is 404.",
        path="/api/exception_occurrence/99",
    ),
    Difference(
        EVERY,
        "FMD answers 500 to unknown ids, bad dates and bad bodies, and other errors as HTML or "
        "text; here they are 4xx with a JSON error that says what was expected.",
    ),
)
ACCESS = (
    Difference(
        EVERY,
        "Without a login FMD redirects to the login page, and so it does for a guest who may not; "
        "here they are 401 and 403.",
    ),
    Difference(
        "GET /database_pruning/get_database_size",
        "FMD's three pruning routes need no login; here they are for admins.",
    ),
    Difference(
        "GET /telemetry/get_is_telemetry_accepted",
        "FMD's telemetry routes need no login, and send what they are told to; here they need "
        "one, and nothing is ever sent.",
    ),
    Difference(
        "DELETE /api/exception_occurrence/<stack_trace_snapshot_id>",
        "FMD's guests may delete exceptions; here it is for admins.",
    ),
    Difference(
        EVERY,
        "FMD's `SECURITY_TOKEN` guards nothing and opens nothing; here it reads.",
    ),
    Difference(
        EVERY,
        "FMD prints errors inside a transaction, and answers as if it had worked; here they are "
        "answered.",
    ),
)
OTHERS = (
    Difference(
        "GET /api/overview",
        "Today and the days of other routes are those of `TIMEZONE`, offsets of half an hour "
        "included; FMD mixes UTC, the machine's zone and whole hours.",
    ),
    Difference(
        "POST /api/reporting/make_report/intervals",
        "The median test is corrected for testing many endpoints at once.",
    ),
    Difference(
        "GET /api/versions",
        "Requests without a version are of the version `unknown`; FMD has null.",
    ),
    Difference(
        "GET /database_pruning/get_pruning_schedule",
        "`day_of_the_week` is that of cron (0 is Sunday), not of FMD's scheduler (0 is Monday).",
    ),
    Difference(
        "GET /api/outlier_graph/<endpoint_id>",
        "An outlier without CPU load is left out; FMD answers 500.",
    ),
    Difference(
        "GET /api/grouped_profiler/<endpoint_id>",
        "FMD merges lines of the same text below one line, and counts each as a hit; here they are "
        "different lines.",
    ),
    Difference(
        "GET /api/detailed_exception_occurrence/<endpoint_id>/<offset>/<per_page>",
        "`file_path` is the whole path; FMD shortens paths below the app's folder.",
    ),
)


def without(value: Any, keys: tuple[str, ...]) -> Any:
    """JSON without these keys, at any depth."""
    if isinstance(value, list):
        return [without(one, keys) for one in value]
    if isinstance(value, dict):
        return {key: without(one, keys) for key, one in value.items() if key not in keys}
    return value


def in_order(value: Any, keys: tuple[str, ...]) -> Any:
    """JSON with the lists at these keys sorted, at any depth."""
    if isinstance(value, list):
        return [in_order(one, keys) for one in value]
    if isinstance(value, dict):
        return {
            key: sorted(one) if key in keys and isinstance(one, list) else in_order(one, keys)
            for key, one in value.items()
        }
    return value
