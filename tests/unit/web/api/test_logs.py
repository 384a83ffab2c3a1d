"""Routes of log records."""

from __future__ import annotations

from typing import Any


def test_log_records_and_their_request(get: Any) -> None:
    """Newest first, with filters; a request has its own."""
    newest, oldest = get("/logs", range="6h")["items"]
    assert (newest["text"], newest["severity"], newest["trace_id"]) == ("by itself", "ERROR", "")
    assert (oldest["text"], oldest["attributes"]) == ("in the request", {"n": 1})
    for query in ({"severity": "WARN"}, {"text": "ITSELF"}):
        assert [one["text"] for one in get("/logs", range="6h", **query)["items"]] == ["by itself"]
    of_trace = get("/logs", range="6h", trace=oldest["trace_id"])["items"]
    assert [one["id"] for one in of_trace] == [oldest["id"]]
    requests = get("/requests", range="6h", limit=1000)["items"]
    (own,) = [one for one in requests if one["trace_id"] == oldest["trace_id"]]
    logs = get(f"/requests/{own['id']}")["logs"]
    assert [one["text"] for one in logs] == ["in the request"]


def test_pages(get: Any) -> None:
    """By their cursor."""
    first = get("/logs", range="6h", limit=1)
    second = get("/logs", range="6h", limit=1, cursor=first["next_cursor"])
    assert [one["text"] for one in (*first["items"], *second["items"])] == [
        "by itself",
        "in the request",
    ]


def test_what_cannot_be_used_is_refused(call: Any) -> None:
    """Each parameter by itself."""
    for query in ("severity=loud", "trace=7", "cursor=x", "limit=0", f"text={'x' * 201}"):
        assert call("GET", f"/logs?{query}").status_code == 400, query


def test_ranges_of_centuries(get: Any) -> None:
    """As far as a time can be written."""
    everything = {"from": "1970-01-01", "to": "2554-01-01"}
    assert len(get("/logs", **everything)["items"]) == 2
    assert get("/logs", **{"from": "2553-01-01", "to": "2554-07-21"})["items"] == []
    for one in get("/metrics")["items"]:
        found = get(f"/metrics/{one['id']}", **everything, aggregation="count")
        assert found["step_seconds"] > 86_400
        assert sum(value["value"] for value in found["lines"][0]["values"]) > 0
    assert get("/runtime", **everything)["items"] == []
