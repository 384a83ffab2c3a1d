"""What an outlier's record holds: the agent's event, or what the span itself tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.requests.outlier import TEXT_WIDTH, URL_WIDTH, OutlierRecord, outlier_record
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.signals.record import Event


class Source:
    """A span's parts, given as they are."""

    def __init__(self, attributes: dict[str, Any], events: list[Event]) -> None:
        self._attributes, self._events = attributes, events

    def attributes(self, raw: Any, wanted: Any) -> dict[str, Any]:
        """All of them: an outlier shows everything; the route alone if the agent has told it."""
        assert raw == "raw"
        assert wanted in (None, {"http.route"})
        return {k: v for k, v in self._attributes.items() if wanted is None or k in wanted}

    def events(self, raw: Any) -> list[Event]:
        """Oldest first."""
        assert raw == "raw"
        return self._events


def record_of(attributes: dict[str, Any], *events: Event) -> OutlierRecord:
    """The record of a request whose span has these."""
    source = Source(attributes, list(events))
    span = NOTHING_MORE._replace(raw="raw", source=source, has_events=bool(events))
    return outlier_record(
        Request("s", "e", "1", 0, 1, 200, None, "", b"t" * 16, b"s" * 8, span, None), Redactor()
    )


def test_the_agents_event_is_taken_as_it_is() -> None:
    """Every text in its column; the first event counts."""
    names = ("headers", "environment", "url", "cpu_percent", "memory", "stack", "values")
    event = Event("fmd.outlier", 1, {f"fmd.outlier.{name}": f"the {name}" for name in names})
    found = record_of({"url.full": "http://other"}, event, Event("fmd.outlier", 2, {}))
    assert found == OutlierRecord(*(f"the {name}" for name in names))


def test_an_event_that_tells_nothing() -> None:
    """FMD evaluates the list of cores, so there is always one; no values are none."""
    assert record_of({}, Event("fmd.outlier", 1, {})) == OutlierRecord(
        "", "", "", "[]", "", "", None
    )


def test_long_texts_of_the_event_are_cut() -> None:
    """To the widths of the columns, visibly."""
    names = ("headers", "environment", "url", "cpu_percent", "memory", "stack", "values")
    attributes = {f"fmd.outlier.{name}": "x" * 70_000 for name in names}
    found = record_of({}, Event("fmd.outlier", 1, attributes))
    assert [len(text or "") for text in found] == [65_000, 65_000, 2_100, 150, *[65_000] * 3]
    assert all(text and text[-9] == "~" for text in found)


def test_a_long_text_that_fits_is_left_alone() -> None:
    """Blanks at its end, too: these columns are compared with nothing."""
    text = "x" * (TEXT_WIDTH - 2) + "\n "
    event = Event("fmd.outlier", 1, {"fmd.outlier.stack": text, "fmd.outlier.memory": "a\x00"})
    found = record_of({}, event)
    assert (found.stacktrace, found.memory) == (text, "a\ufffd")


def test_a_span_without_the_event_tells_what_it_can() -> None:
    """Its attributes, without secrets; no core, no memory, no values."""
    attributes = {
        "http.host": "shop",
        "http.target": "/é?token=t0p",
        "url.query": "token=t0p&b=1",
        "url.full": "http://u:p@shop/x?password=t0p",
        "db.password": "t0p",
        "odd": {1},
    }
    found = record_of(attributes)
    assert found[2:] == ("http://[redacted]@shop/x?password=[redacted]", "[]", "", "", None)
    assert json.loads(found.request_environment) == {
        "http.host": "shop",
        "http.target": "/é?token=[redacted]",
        "url.query": "token=[redacted]&b=1",
        "url.full": "http://[redacted]@shop/x?password=[redacted]",
        "db.password": "[redacted]",
        "odd": "{1}",
    }
    assert "é" in found.request_environment


def test_the_stack_is_that_of_the_last_exception() -> None:
    """Whatever else happened; one without a stack has none."""
    stacks = [Event("exception", n, {"exception.stacktrace": f"stack {n}"}) for n in range(3)]
    assert record_of({}, *stacks, Event("message", 9, {})).stacktrace == "stack 2"
    assert record_of({}, stacks[0], Event("exception", 5, {})).stacktrace == ""
    assert record_of({}, Event("message", 5, {"exception.stacktrace": "x"})).stacktrace == ""


def test_headers_stand_in_fmds_form() -> None:
    """`Name: value`, each with CR LF; lists with commas, secrets hidden."""
    attributes = {
        "http.host": "shop",
        "user_agent.original": "new",
        "http.user_agent": "old",
        "http.request.header.x_shop_id": ["a", 7],
        "http.request.header.accept-language": ("de", "fr"),
        "http.request.header.cookie": ["secret"],
        "http.request.header.age": 5,
        "http.response.header.server": ["no"],
    }
    assert record_of(attributes).request_header == (
        "Host: shop\r\nUser-Agent: new\r\nX-Shop-Id: a, 7\r\nAccept-Language: de, fr\r\n"
        "Cookie: [redacted]\r\nAge: 5\r\n"
    )


@pytest.mark.parametrize(
    ("attributes", "headers"),
    [
        ({}, ""),
        ({"http.user_agent": "old"}, "User-Agent: old\r\n"),
        ({"server.address": "new"}, "Host: new\r\n"),
        ({"http.host": "old:80", "server.address": "new"}, "Host: old:80\r\n"),
    ],
)
def test_headers_that_have_attributes_of_their_own(
    attributes: dict[str, Any], headers: str
) -> None:
    """Of the older conventions and of the stable ones."""
    assert record_of(attributes).request_header == headers


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ({}, ""),
        ({"url.full": "https://a/b", "http.url": "https://c"}, "https://a/b"),
        ({"http.url": "https://c", "http.host": "d"}, "https://c"),
        ({"http.target": "/a?b=1"}, "/a?b=1"),
        ({"url.path": "/a", "url.query": "b=1"}, "/a?b=1"),
        ({"url.path": "/a"}, "/a"),
        ({"http.host": "h", "http.target": "/a", "url.path": "/b"}, "http://h/a"),
        ({"server.address": "h", "url.path": "/a", "url.scheme": "https"}, "https://h/a"),
        ({"server.address": "h", "url.path": "/a", "server.port": 8080}, "http://h:8080/a"),
        ({"net.host.name": "h", "http.target": "/", "net.host.port": 81}, "http://h:81/"),
        ({"server.address": "h", "server.port": 1, "net.host.port": 2}, "http://h:1"),
        ({"server.address": "h", "url.path": "/a", "server.port": 80}, "http://h/a"),
        (
            {"server.address": "h", "url.scheme": "https", "server.port": "443"},
            "https://h",
        ),
        ({"http.host": "h:90", "net.host.port": 90, "http.target": "/"}, "http://h:90/"),
        ({"server.address": "::1", "server.port": 8080, "url.path": "/"}, "http://[::1]:8080/"),
        ({"http.host": "[::1]:90", "server.port": 90, "http.target": "/"}, "http://[::1]:90/"),
    ],
)
def test_the_address_is_put_together(attributes: dict[str, Any], url: str) -> None:
    """From whatever the conventions split it into."""
    assert record_of(attributes).request_url == url


def test_a_long_address_is_cut() -> None:
    """Visibly, to its column."""
    found = record_of({"url.full": "http://h/" + "x" * 3_000}).request_url
    assert len(found) == URL_WIDTH
    assert found[-9] == "~"


def test_secrets_are_hidden_in_every_column_of_an_event() -> None:
    """Whichever agent made it: ours hides them before, others may not."""
    names = ("headers", "environment", "url", "cpu_percent", "memory", "stack", "values")
    attributes = {f"fmd.outlier.{name}": "password=t0psecret&a=1" for name in names}
    assert record_of({}, Event("fmd.outlier", 1, attributes)) == OutlierRecord(
        *["password=[redacted]&a=1"] * 7
    )


def test_a_path_is_hidden_by_its_route_in_every_column() -> None:
    """In the URL, in the path, in a `Referer`, in a message; the route itself stays."""
    attributes = {
        "http.route": "/reset/<token>",
        "url.full": "http://shop/reset/a1b2c3d4?b=1",
        "url.path": "/reset/a1b2c3d4",
        "http.request.header.referer": ["http://shop/reset/a1b2c3d4"],
    }
    stack = Event("exception", 1, {"exception.stacktrace": "KeyError: a1b2c3d4"})
    found = record_of(attributes, stack)
    assert found.request_url == "http://shop/reset/[redacted]?b=1"
    assert "a1b2c3d4" not in "".join(map(str, found))
    assert found.stacktrace == "KeyError: [redacted]"
    assert '"http.route": "/reset/<token>"' in found.request_environment
    texts = {"url": "http://shop/reset/a1b2c3d4", "values": '{"x": "a1b2c3d4"}'}
    event = Event("fmd.outlier", 1, {f"fmd.outlier.{k}": v for k, v in texts.items()})
    found = record_of({"http.route": "/reset/<token>"}, event)
    assert (found.request_url, found.request_values) == (
        "http://shop/reset/[redacted]",
        '{"x": "[redacted]"}',
    )


@pytest.mark.parametrize("before", [0, 5, 12, 20, 30, 4_000, 4_090, 4_096, 4_100])
@pytest.mark.parametrize(
    "secret",
    [
        "password='t0psecret'",
        "eyJhbGciOiJIUzI1NiJ9." + "t0psecret" * 600,
        "-----BEGIN PRIVATE KEY-----\n" + "t0psecret\n" * 900,
        "Authorization: Bearer " + "t0psecret" * 700,
    ],
)
def test_no_half_of_a_secret_is_left_where_a_text_is_cut(before: int, secret: str) -> None:
    """What is cut is redacted first, and a little beyond."""
    for width in (TEXT_WIDTH, TEXT_WIDTH + 4_096):
        stack = "x" * (width - before - 1) + " " + secret + " y" * 5_000
        found = record_of({}, Event("exception", 1, {"exception.stacktrace": stack}))
        assert "t0p" not in found.stacktrace
        assert len(found.stacktrace) <= TEXT_WIDTH
        assert found.stacktrace[-9] == "~" or found.stacktrace.endswith("~")


def test_more_attributes_than_fit_are_not_read() -> None:
    """Nor is what nobody would see searched; those that fit are whole."""
    attributes: dict[str, Any] = {"a": "1", "b": {"token": "t0psecret"}}
    attributes |= {f"long.{n}": ["x" * 10_000] for n in range(100)}
    attributes["huge"] = "y" * 10_000_000
    environment = record_of(attributes).request_environment
    assert len(environment) == TEXT_WIDTH
    assert environment.startswith('{"a": "1", "b": {"token": "[redacted]"}, "long.0": ["xxx')
    huge = record_of({"huge": "y" * 10_000_000 + " password=t0psecret", "after": "z"})
    assert len(huge.request_environment) == TEXT_WIDTH
