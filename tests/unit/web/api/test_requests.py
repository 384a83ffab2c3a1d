"""Requests: filters, order, pages, exact times, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.web.api.conftest import NUMBER


def paged(get: Any, **query: Any) -> list[Any]:
    """The items of all pages."""
    found: list[Any] = []
    answer = get("/requests", **query)
    found += answer["items"]
    while answer["next_cursor"] is not None:
        answer = get("/requests", cursor=answer["next_cursor"], **query)
        found += answer["items"]
    return found


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_hold_each_request_once(get: Any, limit: int) -> None:
    """In both orders."""
    newest = paged(get, limit=limit)
    assert len({one["id"] for one in newest}) == len(newest) == 4 * NUMBER + 2
    times = [one["time"] for one in newest]
    assert times == sorted(times, reverse=True)
    assert paged(get, limit=limit, sort="time") == newest[::-1]


FILTERS: tuple[tuple[dict[str, Any], Any], ...] = (
    ({"status": "5xx"}, lambda one: one["status_code"] == 500),
    ({"status": "500"}, lambda one: one["status_code"] == 500),
    ({"status": "none"}, lambda one: one["status_code"] is None),
    ({"user": "user2"}, lambda one: one["user"] == "user2"),
    ({"user": ""}, lambda one: one["user"] is None),
    ({"ip": "192.0.2.1"}, lambda one: one["ip"] == "192.0.2.1"),
    ({"version": "1"}, lambda one: one["version"] == "1"),
    ({"service": "shop"}, lambda one: True),
    ({"service": "other"}, lambda one: False),
    (
        {"min_duration_ms": "20", "max_duration_ms": "30.5"},
        lambda one: 20 <= one["duration_ms"] <= 30.5,
    ),
    (
        {"version": "2", "status": "2xx", "user": "user1"},
        lambda one: (one["version"], one["status_code"], one["user"]) == ("2", 200, "user1"),
    ),
)


@pytest.mark.parametrize(("query", "keeps"), FILTERS, ids=[str(query) for query, _ in FILTERS])
def test_filters(get: Any, query: dict[str, Any], keeps: Any) -> None:
    """What a filter finds is what is left of all."""
    everything = paged(get, limit=1000)
    assert paged(get, limit=20, **query) == [one for one in everything if keeps(one)]


def test_an_endpoint(get: Any) -> None:
    """By its id."""
    everything = paged(get, limit=1000)
    number = everything[-1]["endpoint_id"]
    expected = [one for one in everything if one["endpoint_id"] == number]
    assert 0 < len(expected) < len(everything)
    assert paged(get, endpoint=number) == expected


def test_times_are_exact(get: Any) -> None:
    """To the microsecond, the end left out; in any zone."""
    everything = paged(get, limit=1000, sort="time")
    first, last = everything[10]["time"], everything[30]["time"]
    expected = [one for one in everything if first <= one["time"] < last]
    assert 0 < len(expected) < 25
    assert paged(get, sort="time", **{"from": first, "to": last}) == expected
    local = datetime.fromisoformat(first) + timedelta(hours=5, minutes=45)
    shown = local.replace(tzinfo=None).isoformat() + "+05:45"
    assert paged(get, sort="time", **{"from": shown, "to": last}) == expected
    day = first[:10]
    assert paged(get, sort="time", **{"from": day}) == [
        one for one in everything if one["time"] >= day
    ]
    answer = get("/requests", **{"from": first, "to": last})
    assert (answer["start"], answer["end"]) == (first, last)


def test_the_length_of_a_range(get: Any) -> None:
    """It ends at `to`, and begins as long before as `range` says."""
    answer = get("/requests", to="2026-01-31T12:00:00Z", range="6h")
    assert (answer["start"], answer["end"]) == ("2026-01-31T06:00:00Z", "2026-01-31T12:00:00Z")


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"from": "yesterday"}, "from"),
    ({"from": "2026-01-31T10:00:00"}, "from"),
    ({"from": "0001-01-01"}, "from"),
    ({"from": "9999-12-31T23:59:59Z"}, "from"),
    ({"to": "0001-01-01"}, "to"),
    ({"from": "2026-01-31", "to": "2026-01-31"}, "from"),
    ({"range": "2h"}, "range"),
    ({"status": "999999"}, "status"),
    ({"limit": "0"}, "limit"),
    ({"limit": "1001"}, "limit"),
    ({"cursor": "x"}, "cursor"),
    ({"sort": "duration"}, "sort"),
    ({"min_duration_ms": "-1"}, "min_duration_ms"),
    ({"min_duration_ms": "nan"}, "min_duration_ms"),
    ({"endpoint": "٣"}, "endpoint"),
    ({"foo": "1"}, "foo"),
    ({"format": "xml"}, "format"),
    ({"status": ["200", "404"]}, "status"),
)


@pytest.mark.parametrize(("query", "where"), REFUSED, ids=[str(query) for query, _ in REFUSED])
def test_what_is_refused(call: Any, query: dict[str, Any], where: str) -> None:
    """A problem names the parameter, the value and what was expected."""
    answer = call("GET", "/requests", query_string=query)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    (mistake,) = answer.json["errors"]
    assert mistake["where"] == where
    assert "expected" in mistake["detail"] or "needs" in mistake["detail"]
    assert answer.json["title"] == "Bad Request"


def test_one_request(get: Any, call: Any) -> None:
    """With the share of faster ones; or a reason why there is none."""
    slowest = max(paged(get, limit=1000), key=lambda one: one["duration_ms"])
    found = get(f"/requests/{slowest['id']}")
    assert found["request"] == slowest
    assert found["faster_share"] > 0.9
    for path in ("/requests/1", "/requests/x", "/requests/99999999999999999999"):
        answer = call("GET", path)
        assert answer.status_code == 404, path
        assert answer.json["detail"]
