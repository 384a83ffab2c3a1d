"""Routes of metrics."""

from __future__ import annotations

import json
import time
from typing import Any

from otel_fmd.ingest.points import batch_of_points
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.store.store import Store
from tests.support.points import histogram, metrics_body
from tests.unit.ingest.test_details import writer


def by_name(get: Any) -> dict[str, dict[str, Any]]:
    """The metrics of the shop."""
    return {one["name"]: one for one in get("/metrics", service="shop")["items"]}


def test_metrics_are_listed(get: Any) -> None:
    """With kind, unit and how many series there are."""
    found = by_name(get)
    assert found.keys() == {"memory", "latency", "hits"}
    memory = found["memory"]
    assert (memory["kind"], memory["unit"], memory["series"]) == ("gauge", "By", 2)
    assert get("/metrics", service="other") == {"items": []}


def test_a_gauge_of_two_workers(get: Any) -> None:
    """Together, apart, and one of them."""
    number = by_name(get)["memory"]["id"]

    def values(**query: Any) -> dict[str, list[float]]:
        found = get(f"/metrics/{number}", range="6h", **query)
        return {
            ",".join(line["labels"].values()): [one["value"] for one in line["values"]]
            for line in found["lines"]
        }

    assert values() == {"": [20.0]}
    assert values(aggregation="sum") == {"": [40.0]}
    assert values(aggregation="max", group_by="process.pid") == {"7": [30.0], "8": [10.0]}
    assert values(labels=json.dumps({"process.pid": "8"})) == {"": [10.0]}
    assert get(f"/metrics/{number}", range="6h")["labels"] == {"process.pid": ["7", "8"]}


def test_a_histogram_links_to_its_request(get: Any) -> None:
    """By the exemplar's span."""
    number = by_name(get)["latency"]["id"]
    found = get(f"/metrics/{number}", range="6h", aggregation="p50")
    assert found["unit"] == "s"
    assert 0 < found["lines"][0]["values"][0]["value"] <= 0.1
    (exemplar,) = found["exemplars"]
    assert exemplar["value"] == 0.5
    request = get(f"/requests/{exemplar['request_id']}")
    assert request["request"]["trace_id"] == exemplar["trace_id"]


def test_a_counter_is_a_rate(get: Any) -> None:
    """By default; its sum is what it grew by."""
    number = by_name(get)["hits"]["id"]
    found = get(f"/metrics/{number}", range="6h", step_s=3600)
    assert (found["aggregation"], found["unit"], found["step_seconds"]) == ("rate", "1/s", 3600)
    assert found["lines"][0]["values"][0]["value"] * 3600 == 7
    assert get(f"/metrics/{number}", range="6h", aggregation="p99")["aggregation"] == "rate"


def test_what_cannot_be_used_is_refused(call: Any) -> None:
    """Each parameter by itself, and metrics that there are none of."""
    assert call("GET", "/metrics/99").status_code == 404
    assert call("GET", "/metrics/x").status_code == 404
    for query in ("labels=7", "labels={", "step_s=5", "aggregation=mode", "step_s=-1"):
        answer = call("GET", f"/metrics/1?{query}")
        assert answer.status_code == 400, query


def test_csv(call: Any, get: Any) -> None:
    """A row a step."""
    number = by_name(get)["memory"]["id"]
    text = call("GET", f"/metrics/{number}?range=6h&format=csv&group_by=process.pid").text
    header, *rows = text.splitlines()
    assert header == "time,process.pid,value"
    assert sorted(row.split(",")[1:] for row in rows) == [["7", "30.0"], ["8", "10.0"]]


def test_endpoints_by_metrics(get: Any, call: Any, filled: Store) -> None:
    """Every request counts; one of which spans are stored has its id."""
    at_ns = time.time_ns() - 600_000_000_000
    made = []
    for method, route, status, counts in (
        ("GET", "/cart", "200", [40, 50, 8]),
        ("GET", "/cart", "500", [0, 1, 1]),
        ("POST", "/only-measured", "201", [5, 0, 0]),
    ):
        labels = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
        made.append(
            histogram(
                "http.server.request.duration",
                [0.1, 1.0],
                counts,
                temporality=1,
                at_ns=at_ns,
                total=5.0,
                attributes=labels.items(),
            )
        )
    points = decode_protobuf(metrics_body(*made).SerializeToString()).points
    writer(filled).write(batch_of_points(points))
    cart, measured = get("/measured-endpoints", range="6h")["items"]
    assert (cart["name"], cart["requests"], cart["errors"]) == ("GET /cart", 100, 2)
    assert cart["endpoint_id"] is not None
    assert 100 < cart["median_ms"] < 400
    assert (measured["name"], measured["requests"]) == ("POST /only-measured", 5)
    assert measured["endpoint_id"] is None
    assert 0 < measured["p95_ms"] < 100
    one = get(f"/endpoints/{cart['endpoint_id']}/by-metrics", range="6h")
    assert (one["requests"], one["errors"], one["stored_requests"]) == (100, 2, 80)
    assert one["stored_share"] == 0.8
    other = next(
        found["endpoint"]["id"]
        for found in get("/endpoints")["items"]
        if found["endpoint"]["id"] != cart["endpoint_id"]
    )
    assert call("GET", f"/endpoints/{other}/by-metrics").status_code == 404
