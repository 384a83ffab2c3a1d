"""Calls of every route of FMD's REST API, in the order in which they are made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

LINK = "/dashboard"


class Call(NamedTuple):
    """One call: its route as documented, its path, and its body as JSON or as a form."""

    route: str
    path: str
    body: Any = None
    form: dict[str, str] | None = None

    @property
    def method(self) -> str:
        """Of the route."""
        return self.route.partition(" ")[0]

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.method} {self.path} {self.body or self.form or ''}".strip()

    def plain(self) -> list[Any]:
        """For the script that makes the call."""
        return [self.method, LINK + self.path, self.body, self.form]


def reads(now: datetime) -> list[Call]:
    """Calls that read."""
    return [*_plain(), *_of_endpoints(), *_of_days(now), *_posted(), *_reports(now)]


def _plain() -> list[Call]:
    paths = (
        "/api/overview",
        "/api/endpoints",
        "/api/endpoints_hits",
        "/api/versions",
        "/api/custom_graphs",
        "/api/num_exceptions",
        "/api/deploy_details",
        "/api/deploy_config",
        "/api/deploy_alert_config",
        "/api/users",
        "/database_pruning/get_database_size",
        "/database_pruning/get_pruning_schedule",
        "/telemetry/get_is_telemetry_accepted",
        "/telemetry/get_is_telemetry_answered",
    )
    return [Call(f"GET {path}", path) for path in paths] + [
        Call("POST /api/overview", "/api/overview", {})
    ]


def _of_endpoints() -> list[Call]:
    names = (
        "users",
        "ip",
        "endpoint_info",
        "endpoint_status_code_distribution",
        "endpoint_status_code_summary",
        "versions",
        "num_outliers",
        "outlier_graph",
        "num_profiled",
        "grouped_profiler",
        "num_exceptions",
    )
    found = [
        Call(f"GET /api/{name}/<endpoint_id>", f"/api/{name}/{number}")
        for name in names
        for number in (1, 2, 3, 4, 99)
    ]
    paged = "<endpoint_id>/<offset>/<per_page>"
    for name in ("outlier_table", "profiler_table", "detailed_exception_occurrence"):
        for rest in ("1/0/10", "1/1/1", "3/0/10", "3/1/1", "99/0/10"):
            found.append(Call(f"GET /api/{name}/{paged}", f"/api/{name}/{rest}"))
    for rest in ("0/10", "1/2", "10/10"):
        route = "GET /api/exception_occurrence/<offset>/<per_page>"
        found.append(Call(route, f"/api/exception_occurrence/{rest}"))
    name = "exception_occurrence_page_number"
    for rest in ("3/1/1", "3/2/1", "3/4/2", "3/99/1"):
        route = f"GET /api/{name}/<endpoint_id>/<stack_trace_snapshot_id>/<per_page>"
        found.append(Call(route, f"/api/{name}/{rest}"))
    for number in (1, 4, 99):
        route = "GET /api/function_code/<function_definition_id>"
        found.append(Call(route, f"/api/function_code/{number}"))
    return found


def _of_days(now: datetime) -> list[Call]:
    first, last = (now - timedelta(days=11)).date(), now.date()
    found = []
    for start, end in ((first, last), (last, last), (last, first), ("x", last)):
        days = "<start_date>/<end_date>"
        mark = "?reversed" if start == last and end == first else ""
        for name in ("requests", "hourly_load"):
            found.append(Call(f"GET /api/{name}/{days}", f"/api/{name}/{start}/{end}{mark}"))
        route = f"GET /api/hourly_load/{days}/<endpoint_id>"
        found.append(Call(route, f"/api/hourly_load/{start}/{end}/1{mark}"))
        route = "GET /api/custom_graph/<graph_id>/<start_date>/<end_date>"
        found += [Call(route, f"/api/custom_graph/{n}/{start}/{end}") for n in ("1", "9", "x")]
    return found


def _posted() -> list[Call]:
    endpoints, versions = ["item", "orders", "blog.boom"], ["1.0", "1.1", "9"]
    users, addresses = ["user0", "user1", "nobody", None], ["10.0.0.0", "1.1.1.1"]
    bodies: dict[str, dict[str, Any]] = {
        "api_performance": {"endpoints": endpoints},
        "multi_version": {"endpoints": endpoints, "versions": versions},
        "version_user/<endpoint_id>": {"users": users, "versions": versions},
        "version_ip/<endpoint_id>": {"ip": addresses, "versions": versions},
        "endpoint_versions/<endpoint_id>": {"versions": versions},
        "endpoint_users/<endpoint_id>": {"users": users},
    }
    found = []
    for name, data in bodies.items():
        for number in ("1", "99") if "<" in name else ("",):
            path = f"/api/{name.replace('<endpoint_id>', number)}"
            found.append(Call(f"POST /api/{name}", path, {"data": data}))
        found.append(Call(f"POST /api/{name}", path, {"data": {}}))
        found.append(Call(f"POST /api/{name}", path, []))
    return found


def _reports(now: datetime) -> list[Call]:
    end, day = int(now.timestamp()), 24 * 3600
    intervals = {
        "interval": {"from": end - 4 * day, "to": end},
        "baseline_interval": {"from": end - 12 * day, "to": end - 4 * day},
    }
    versions = {"baseline_commit_version": "1.0", "commit_version": "1.1"}
    found = []
    for name, body in (("intervals", intervals), ("commits", versions)):
        path = f"/api/reporting/make_report/{name}"
        found += [Call(f"POST {path}", path, body), Call(f"POST {path}", path, {})]
    return found


def changes() -> list[Call]:
    """Calls that change something, and calls that show what they changed.

    What follows `?` in a path marks a call; no route reads it. FMD's `submit_follow_up`, and
    consent to its telemetry, would send something: never called.
    """
    level, users, size = "/api/set_rule", "/api/user", "/database_pruning/prune_on_demand"
    bob = {"username": "bob", "password": "a long sentence of his", "is_admin": "false"}
    again = {**bob, "password2": bob["password"]}
    new = {"new_password": "another long sentence", "old_password": bob["password"]}
    exceptions = "DELETE /api/exception_occurrence/<stack_trace_snapshot_id>"
    prune = {"age_threshold_weeks": 1, "delete_custom_graph_data": True}
    consent = "/telemetry/accept_telemetry_consent"
    return [
        Call(f"POST {level}", level, form={"name": "item", "value": "3"}),
        Call("GET /api/endpoints", "/api/endpoints"),
        Call(f"POST {level}", f"{level}?unknown", form={"name": "zzz", "value": "3"}),
        *(
            Call(f"POST /api/{name}", f"/api/{name}", {"data": {"endpoints": ["new"], **more}})
            for name, more in (("multi_version", {"versions": ["1.0"]}), ("api_performance", {}))
        ),
        Call("GET /api/endpoints", "/api/endpoints?asked"),
        Call(f"POST {level}", level, form={"name": "item", "value": "x"}),
        Call(f"POST {level}", level, form={}),
        Call(f"POST {users}/create", f"{users}/create", form=again),
        Call(f"POST {users}/create", f"{users}/create", form=again),
        Call(f"POST {users}/create", f"{users}/create", form={**again, "password2": "x"}),
        Call(f"POST {users}/edit", f"{users}/edit", form={"user_id": "3", "is_admin": "true"}),
        Call("GET /api/users", "/api/users"),
        *(
            Call(f"POST {users}/edit", f"{users}/edit", form={"is_admin": "false", **form})
            for form in (
                {"user_id": "3", **new, "new_password2": "x"},
                {"user_id": "3", **new, "new_password2": new["new_password"]},
                {"user_id": "3", **new, "new_password2": new["new_password"]},
                {"user_id": "99"},
                {"user_id": "1"},
            )
        ),
        Call("GET /api/users", "/api/users"),
        Call(f"POST {users}/delete", f"{users}/delete", form={"user_id": "3"}),
        Call(f"POST {users}/delete", f"{users}/delete", form={"user_id": "1"}),
        Call(f"POST {users}/delete", f"{users}/delete?unknown", form={"user_id": "99"}),
        Call("GET /api/users", "/api/users"),
        Call(exceptions, "/api/exception_occurrence/1"),
        Call(exceptions, "/api/exception_occurrence/99"),
        Call("GET /api/num_exceptions", "/api/num_exceptions"),
        Call("GET /api/exception_occurrence/<offset>/<per_page>", "/api/exception_occurrence/0/10"),
        Call(f"POST {size}", size, {"age_threshold_weeks": "x"}),
        Call(f"POST {size}", size, prune),
        Call("GET /api/num_outliers/<endpoint_id>", "/api/num_outliers/1"),
        Call("GET /api/users/<endpoint_id>", "/api/users/2"),
        Call("GET /api/endpoints_hits", "/api/endpoints_hits?pruned"),
        Call(f"POST {consent}", consent, {"consent": False}),
    ]
