"""Span -> request: endpoints, status codes, users, addresses, versions."""

from __future__ import annotations

from typing import Any

import pytest

from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.requests.request import Request
from otel_fmd.requests.translator import Translator
from tests.support.spans import Spans, body, flask_attributes


def translate(attributes: dict | None = None, *, internal: bool = False, **about: object) -> list:
    """The requests of one span."""
    fields = {k: about.pop(k) for k in ("name", "kind", "parent_span_id", "flags") if k in about}
    span = Spans().span(attributes, **fields)
    return Translator(internal).translate(decode_protobuf(body([span], **about)).spans).requests


def one(attributes: dict, **about: object) -> Request:
    """The only request of one span."""
    (found,) = translate(attributes, **about)
    return found


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"flask.endpoint": "shop.item", "http.method": "GET"}, "shop.item"),
        ({"http.method": "GET", "http.route": "/a"}, "GET /a"),
        ({"http.request.method": "PUT", "http.route": "/a"}, "PUT /a"),
        (
            {"http.method": "GET", "http.target": "/a", "http.status_code": 404},
            "GET (unmatched)",
        ),
        ({"http.method": "EVIL' OR 1", "http.target": "/x"}, "_OTHER /x"),
        ({"http.request.method": "PROPFIND", "http.route": "/a"}, "PROPFIND /a"),
        (
            {"http.request.method": "_OTHER", "http.request.method_original": "Propfind"},
            "PROPFIND (unmatched)",
        ),
        (
            {"http.request.method": "_OTHER", "http.request.method_original": "EVIL' OR 1"},
            "_OTHER (unmatched)",
        ),
        ({"http.request.method": "get", "http.route": "/a"}, "get /a"),
        ({"messaging.system": "kafka"}, "orders process"),
        ({"rpc.method": "Get"}, "orders process"),
    ],
)
def test_an_endpoint_is_named(attributes: dict, name: str) -> None:
    """FMD's name, `METHOD route`; without a route see `test_naming`; else the span's name."""
    expected = name.replace("get ", "GET ") if name.startswith("get ") else name
    span_name = "GET" if "(" in name or "/x" in name else "orders process"
    assert one(attributes, name=span_name).endpoint.upper() == expected.upper()


@pytest.mark.parametrize("blank", [" ", "   ", "\t \n", "\u3000", " " * 300])
def test_blanks_are_no_names(blank: str) -> None:
    """Of an endpoint, a service, a version or a user: nobody would see the link."""
    attributes = {"http.method": "GET", "flask.endpoint": blank, "enduser.id": blank}
    found = one(attributes, service=blank, version=blank)
    assert found[:3] == ("unknown_service", "(unnamed)", "unknown")
    assert found.group_by is None
    assert one({}, name=blank).endpoint == "(unnamed)"
    assert one({"fmd.version": blank}, version="2").version == "2"


@pytest.mark.parametrize(
    ("value", "user"),
    [(0, "0"), (42, "42"), (False, "false"), (7.5, "7.5"), (b"bob", "bob"), (b"\xff", "/w==")],
)
def test_a_user_that_is_no_text_is_written_as_json_writes_it(value: Any, user: str) -> None:
    """Nobody is anonymous because an id is 0."""
    assert one({"enduser.id": value}).group_by == user


def test_a_flag_is_no_status() -> None:
    """True is 1, and no answer."""
    assert one({"http.status_code": True}).status_code is None


def test_methods_that_the_conventions_do_not_know_keep_their_names_apart() -> None:
    """One translator, one route, several methods under `_OTHER`."""
    translator = Translator(False)
    names = []
    for original in ("PROPFIND", "MKCOL", "NONE", "PROPFIND"):
        attributes = {
            "http.request.method": "_OTHER",
            "http.request.method_original": original,
            "http.route": "/dav",
        }
        spans = decode_protobuf(body([Spans().span(attributes)])).spans
        names.append(translator.translate(spans).requests[0].endpoint)
    assert names == ["PROPFIND /dav", "MKCOL /dav", "_OTHER /dav", "PROPFIND /dav"]


@pytest.mark.parametrize("key", ["http.status_code", "http.response.status_code"])
def test_status_codes_of_both_conventions_are_read(key: str) -> None:
    """Old and stable names mean the same."""
    assert one({"http.method": "GET", key: 418}).status_code == 418


@pytest.mark.parametrize("value", [0, -1, 1000, "abc"])
def test_a_status_code_that_is_none_is_null(value: object) -> None:
    """What is no HTTP status is stored as none."""
    assert one({"http.method": "GET", "http.status_code": value}).status_code is None


@pytest.mark.parametrize(
    "key",
    ["client.address", "http.client_ip", "net.peer.ip", "net.sock.peer.addr"],
)
def test_addresses_of_all_conventions_are_read(key: str) -> None:
    """Whichever name carries the client's address."""
    assert one({"http.method": "GET", key: "10.1.2.3"}).ip == "10.1.2.3"


@pytest.mark.parametrize("key", ["fmd.group_by", "enduser.id", "user.id"])
def test_users_are_read(key: str) -> None:
    """The agent's group-by result first, else the user's id."""
    assert one({key: "ana"}).group_by == "ana"


def test_a_request_without_address_and_user() -> None:
    """FMD's columns: an empty address, no group."""
    found = one({})
    assert (found.ip, found.group_by) == ("", None)


def test_the_version_comes_from_the_resource() -> None:
    """service.version, else the commit, else unknown."""
    assert one({}, version="1.2").version == "1.2"
    assert one({}, version="", **{"vcs.ref.head.revision": "abc"}).version == "abc"
    assert one({}, version="").version == "unknown"


def test_child_spans_are_counted_as_not_kept() -> None:
    """Client, producer and internal spans are no requests."""
    spans = [Spans(n).span({}, kind=kind) for n, kind in enumerate((0, 1, 3, 4))]
    found = Translator().translate(decode_protobuf(body(spans)).spans)
    assert (found.requests, found.not_kept) == ([], 4)


def test_consumers_are_requests() -> None:
    """Kind CONSUMER is an entry span."""
    assert one({}, kind=5, name="orders process").endpoint == "orders process"


def test_internal_roots_are_requests_when_asked_for() -> None:
    """A local root of kind INTERNAL, also below a remote parent; not below a local one."""
    parent = b"12345678"
    assert translate({}, kind=1) == []
    assert len(translate({}, kind=1, internal=True)) == 1
    assert translate({}, kind=1, internal=True, parent_span_id=parent) == []
    assert len(translate({}, kind=1, internal=True, parent_span_id=parent, flags=0x301)) == 1


def test_an_end_before_the_start_is_a_duration_of_zero() -> None:
    """A clock error is stored as 0 and counted."""
    span = Spans().span(flask_attributes(), duration_ms=-5)
    found = Translator().translate(decode_protobuf(body([span])).spans)
    assert found.requests[0].duration_ns == 0
    assert found.clock_errors == 1


@pytest.mark.parametrize(
    ("attributes", "code", "event", "expected"),
    [
        ({}, 2, "exception", 500),
        ({}, 2, "", 500),
        ({}, 0, "exception", 500),
        ({}, 0, "message", None),
        ({"rpc.grpc.status_code": 13}, 0, "", 500),
        ({"rpc.grpc.status_code": 5}, 0, "", None),
        ({"rpc.grpc.status_code": 0}, 0, "", None),
        ({"http.response.status_code": 404}, 2, "exception", 404),
    ],
)
def test_what_failed_without_a_status_is_500(
    attributes: dict, code: int, event: str, expected: int | None
) -> None:
    """A handler that panics, a gRPC call that fails by the server's fault; an HTTP status wins."""
    span = Spans().span(attributes)
    span.status.code = code
    if event:
        span.events.add(name=event, time_unix_nano=1)
    (found,) = Translator().translate(decode_protobuf(body([span])).spans).requests
    assert found.status_code == expected


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"http.status_code": "418"}, 418),
        ({"http.response.status_code": "", "http.status_code": "404"}, 404),
        ({"http.status_code": 1}, 1),
        ({"http.status_code": 99}, 99),
        ({"http.status_code": 600}, 600),
        ({"http.status_code": "999"}, 999),
        ({"http.status_code": "1000"}, None),
        ({"http.status_code": "0"}, None),
    ],
)
def test_a_status_is_a_number_of_three_digits(attributes: dict, status: int | None) -> None:
    """As text, too; the first name that holds something counts."""
    assert one(attributes).status_code == status


def test_clock_errors_are_counted_and_websockets_are_none() -> None:
    """Each span that ends before it begins, or lasts longer than a month."""
    month = 31 * 86_400 * 1_000
    spans = [
        Spans(n).span(flask_attributes(**{"http.status_code": status}), duration_ms=ms)
        for n, (ms, status) in enumerate(
            [(-5, 200), (0, 200), (10, 200), (10, 101), (month, 200), (month + 1, 200)]
        )
    ]
    found = Translator().translate(decode_protobuf(body(spans)).spans)
    assert found.clock_errors == 3
    durations = [request.duration_ns for request in found.requests]
    assert durations == [0, 0, 10_000_000, 0, month * 1_000_000, 0]
