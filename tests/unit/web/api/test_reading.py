"""Routes that read: their figures are those of the requests that were sent."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from otel_fmd.views.catalogue import FOR_PROGRAMS, VIEWS
from otel_fmd.web.api.api import ROUTES
from tests.unit.web.api.conftest import NUMBER

ALL = 2 * 2 * NUMBER + 2


def endpoint_id(get: Any, name: str) -> int:
    """The id of an endpoint."""
    (found,) = [
        one["endpoint"]["id"]
        for one in get("/endpoints")["items"]
        if one["endpoint"]["name"] == name
    ]
    return int(found)


def test_every_view_has_a_route() -> None:
    """What a page shows can be asked for; `choices` is in `/services` and `/versions`."""
    made_from = {view.name for route in ROUTES for view in route.views}
    expected = {view.name for view in (*VIEWS, *FOR_PROGRAMS)} - {"choices", "deploy"}
    assert made_from >= expected


def test_services_and_versions(get: Any) -> None:
    """Names, endpoints, and when a version was seen."""
    assert get("/services") == {"items": [{"name": "shop", "endpoints": 2}]}
    newest, oldest = get("/versions")["items"]
    assert (newest["name"], oldest["name"]) == ("2", "1")
    assert datetime.fromisoformat(newest["first_request"]).tzinfo is not None
    assert newest["first_request"].endswith("Z")
    assert get("/versions", service="other")["items"] == []
    assert len(get("/deploys")["items"]) == 2


def test_endpoints(get: Any) -> None:
    """Hits, errors and durations."""
    items = {one["endpoint"]["name"]: one for one in get("/endpoints", range="24h")["items"]}
    cart = items["GET /cart"]
    assert cart["selected"] == cart["overall"] == {"requests": 2 * NUMBER, "errors": 8}
    assert cart["durations"]["median_ms"] == median(10 + n for n in range(NUMBER))
    assert cart["durations"]["max_ms"] == 10 + NUMBER - 1
    assert cart["durations"]["is_exact"]
    only = get("/endpoints", range="24h", version="1")["items"]
    assert {one["selected"]["requests"] for one in only} == {NUMBER}
    assert all(not one["selected"]["requests"] for one in get("/endpoints", version="9")["items"])
    (blueprint,) = get("/blueprints")["items"]
    assert blueprint["blueprint"] == ""
    assert blueprint["selected"]["requests"] == ALL


def test_one_endpoint(get: Any, call: Any) -> None:
    """Its facts, and its last request although it was not folded yet."""
    number = endpoint_id(get, "GET /cart")
    one = get(f"/endpoints/{number}")
    assert (one["name"], one["service"], one["monitor_level"]) == ("GET /cart", "shop", 3)
    newest = get("/requests", endpoint=number)["items"][0]["time"]
    assert one["last_requested"] == newest
    for path in ("/endpoints/999", "/endpoints/999/users", "/endpoints/x", "/endpoints/-1"):
        answer = call("GET", path)
        assert answer.status_code == 404
        assert answer.mimetype == "application/problem+json"


def test_about_an_endpoint(get: Any) -> None:
    """Versions, users, addresses, status codes, load."""
    base = f"/endpoints/{endpoint_id(get, 'GET /cart')}"
    versions = get(f"{base}/versions")["items"]
    assert [(one["version"], one["durations"]["requests"]) for one in versions] == [
        ("2", NUMBER),
        ("1", NUMBER),
    ]
    users = get(f"{base}/user-durations")["items"]
    assert {one["user"]: one["durations"]["requests"] for one in users} == dict.fromkeys(
        (None, "user1", "user2", "user3"), 20
    )
    assert not any(one["is_others"] for one in users)
    callers = get(f"{base}/users")["items"]
    assert sum(one["requests"] for one in callers) == 2 * NUMBER
    addresses = {one["caller"] for one in get(f"{base}/addresses")["items"]}
    assert addresses == {f"192.0.2.{n}" for n in range(3)}
    codes = {one["status_code"]: one["requests"] for one in get(f"{base}/status-codes")["items"]}
    assert codes == {200: 72, 500: 8}
    hours = get(f"{base}/hourly-load", range="24h")["items"]
    assert sum(one["requests"] for one in hours) == 2 * NUMBER
    failed = get(f"{base}/failed-requests")["items"]
    assert {one["status_code"] for one in failed} == {500}
    assert len(failed) == 8


def test_load(get: Any) -> None:
    """Every distribution and series adds up to the requests."""
    for step in ("hour", "day"):
        steps = get("/time-series", step=step, range="24h")["items"]
        assert sum(one["requests"] for one in steps) == ALL
        assert sum(one["errors"] for one in steps) == 16
        assert all(10 <= one["median_ms"] <= one["p95_ms"] <= one["p99_ms"] < 51 for one in steps)
        assert sum(one["mean_ms"] * one["requests"] for one in steps) == pytest.approx(
            sum(one["duration_ms"] for one in get("/requests", limit=1000)["items"]), rel=0.012
        )
        starts = [datetime.fromisoformat(one["start"]) for one in steps]
        assert starts == sorted(starts)
        assert all(one.minute == 0 for one in starts)
    buckets = get("/histogram")["items"]
    assert sum(one["requests"] for one in buckets) == ALL
    assert all(one["low_ms"] < one["high_ms"] for one in buckets)
    assert sum(one["requests"] for one in get("/hourly-load")["items"]) == ALL
    assert sum(sum(one["requests"]) for one in get("/daily-load")["items"]) == ALL
    shares = get("/version-shares")["items"]
    assert sum(one["share"] for one in shares if one["version"] == "2") == pytest.approx(1)
    assert {one["durations"]["requests"] for one in get("/durations")["items"]} == {80, 82}


def test_whole_hours(get: Any) -> None:
    """A list of figures says which time they cover."""
    start = datetime.now(UTC) - timedelta(minutes=10)
    answer = get("/histogram", **{"from": start.isoformat()})
    first, end = (datetime.fromisoformat(answer[name]) for name in ("start", "end"))
    assert first == start.replace(minute=0, second=0, microsecond=0)
    assert end - datetime.now(UTC) <= timedelta(hours=1)


def test_report(get: Any) -> None:
    """Two versions, which took equally long."""
    answer = get("/report", compare="version", old="1", new="2")
    assert (answer["baseline"], answer["comparison"]) == ("version 1", "version 2")
    cart = next(one for one in answer["findings"] if one["endpoint"] == "GET /cart")
    assert cart["median"]["ratio"] == 1.0
    assert cart["is_significant"] is False


def test_outliers_profiles_and_exceptions(get: Any) -> None:
    """What was recorded about single requests."""
    base = f"/endpoints/{endpoint_id(get, 'GET /items/<int:i>')}"
    page = get(f"{base}/outliers")
    assert (page["page"], page["total"]) == (0, 1)
    assert page["items"][0]["outlier"]["stacktrace"] == "in shop.py"
    assert page["items"][0]["request"]["endpoint"] == "GET /items/<int:i>"
    assert get(f"{base}/outlier-loads")["items"] == []
    page = get(f"{base}/profiles")
    assert page["total"] == 1
    (profiled,) = page["items"]
    lines = profiled["profile"]["lines"]
    assert [(one["depth"], one["duration_ms"], one["cpu_ms"]) for one in lines] == [
        (0, 40.0, 20.0),
        (1, 30.0, 10.0),
        (2, 10.0, 10.0),
    ]
    whole = get(f"/requests/{profiled['request_id']}")
    assert whole["profile"] == profiled["profile"]
    assert whole["outlier"] is None
    merged = get(f"{base}/profile")
    assert (merged["profiled"], merged["all_profiled"]) == (1, 1)
    assert [one["total_ms"] for one in merged["lines"]] == [40.0, 30.0, 10.0]
    (group,) = get("/exceptions")["items"]
    assert (group["type"], group["message"], group["occurrences"]) == ("ValueError", "bad", 1)
    assert (group["state"], group["is_new"], sum(group["parts"])) == ("unresolved", False, 1)
    details = get(f"/exceptions/{group['id']}")
    assert details["group"] == group
    (occurrence,) = details["occurrences"]
    assert (occurrence["type"], occurrence["message"]) == ("ValueError", "bad")
    assert get(f"/requests/{occurrence['request_id']}")["exceptions"][0]["message"] == "bad"
    (endpoint,) = details["endpoints"]
    assert get(f"/endpoints/{endpoint}/exceptions")["items"] == [group]
    assert get("/exceptions", state="resolved")["items"] == []


def test_administration(get: Any) -> None:
    """What admins see, without secrets."""
    found = get("/installation")
    assert found["rows"]["requests"] == ALL
    assert found["size_bytes"] > 0
    assert all(re.fullmatch("[a-z_]+", name) for name in found["rows"])
    assert get("/database")["pruning_schedule"] is None
    names = [one["name"] for one in get("/settings")["items"]]
    assert "OTEL_FMD_DATABASE_URL" in names
    assert [one["username"] for one in get("/users")["items"]] == ["ana", "ben"]
    (token,) = get("/tokens")["items"]
    assert (token["scopes"], token["expires"]) == (["admin"], None)
    assert "hash" not in token
    assert get("/sessions")["items"] == []
    assert [one["action"] for one in get("/audit")["items"]] == ["token.add"]
    assert get("/refused-senders")["items"] == []


@pytest.mark.parametrize("accept", ["", "text/csv"])
def test_csv(call: Any, accept: str) -> None:
    """The table that the dashboard exports."""
    query = {} if accept else {"format": "csv"}
    answer = call("GET", "/durations", query_string=query, headers={"Accept": accept})
    assert answer.mimetype == "text/csv"
    header, *rows = list(csv.reader(io.StringIO(answer.text)))
    assert header[:3] == ["name", "requests", "mean_ms"]
    assert len(rows) == 2


def test_etags(call: Any) -> None:
    """304 while nothing changed; proxies keep nothing."""
    first = call("GET", "/services")
    assert "no-cache" in first.headers["Cache-Control"]
    assert "private" in first.headers["Cache-Control"]
    tag = first.headers["ETag"]
    again = call("GET", "/services", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    other = call("GET", "/users", headers={"If-None-Match": tag})
    assert other.status_code == 200
    head = call("HEAD", "/services")
    assert (head.headers["ETag"], head.data) == (tag, b"")
    assert call("HEAD", "/services", headers={"If-None-Match": tag}).status_code == 304
    assert "Date" not in first.headers
