"""Names of endpoints whose spans tell no route, or only the beginning of one."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.renaming import read_rule
from otel_fmd.errors import ConfigurationError
from otel_fmd.otlp.spans_json import decode_json
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.requests.naming import SOURCES
from otel_fmd.requests.request import Request
from otel_fmd.requests.templates import template_of
from otel_fmd.requests.translator import Translator
from tests.support.spans import Spans, body


def named(*spans: tuple[str, dict[str, Any]], rules: tuple[str, ...] = ()) -> list[Request]:
    """The requests of spans, given as name and attributes, in one translator."""
    made = [Spans(n).span(attributes, name=name) for n, (name, attributes) in enumerate(spans)]
    return Translator(rules=rules).translate(decode_protobuf(body(made)).spans).requests


def name_of(span_name: str, path: str = "", status: int = 200, **more: Any) -> tuple[str, str]:
    """An endpoint's name and its source."""
    attributes = {"http.request.method": "GET", "http.response.status_code": status, **more}
    if path:
        attributes["url.path"] = path
    (found,) = named((span_name, attributes))
    assert found.name_source in SOURCES
    return found.endpoint, found.name_source


@pytest.mark.parametrize(
    ("span_name", "path", "expected"),
    [
        ("GET /items/{id}", "/items/7", "GET /items/{id}"),
        ("/items/:id", "/items/7", "GET /items/:id"),
        ("HTTP GET /items/<int:id>", "/items/7", "GET /items/<int:id>"),
        ("GET /files/*", "/files/a/b", "GET /files/*"),
        ("GET /{lang}/home", "", "GET /{lang}/home"),
        ("app.ItemHandler.get", "/items/7", "app.ItemHandler.get"),
        ("ItemsController#show", "/items/7", "ItemsController#show"),
        ("orders list", "/orders", "orders list"),
        ("GET /page", "/fr/other", "GET /page"),
    ],
)
def test_a_span_name_that_is_a_template_is_taken(span_name: str, path: str, expected: str) -> None:
    """It has a placeholder, names code, or is not its own path."""
    assert name_of(span_name, path) == (expected, "span")


@pytest.mark.parametrize(
    "span_name",
    [
        "GET",
        "HTTP GET",
        "GET /items/7",
        "/items/7",
        "GET /items/7?page=2",
        "GET /items/7/",
        "server",
        "/",
        "GET /items",
        "http.server",
    ],
)
def test_a_name_that_tells_nothing_gives_way_to_the_path(span_name: str) -> None:
    """The method, the path itself, its beginning, or a word for all requests."""
    assert name_of(span_name, "/items/7") == ("GET /items/{id}", "path")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url.path", "/items/7"),
        ("http.target", "/items/7?x=1#y"),
        ("url.full", "http://host:80/items/7?x=1"),
        ("http.url", "https://host/items/7"),
    ],
)
def test_paths_of_all_conventions_are_read(key: str, value: str) -> None:
    """Without queries, in protobuf and in JSON."""
    assert name_of("GET", **{key: value})[0] == "GET /items/{id}"
    data = {
        "traceId": "01" * 16,
        "spanId": "02" * 8,
        "name": "GET",
        "kind": 2,
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000000001000000",
        "attributes": [
            {"key": "http.method", "value": {"stringValue": "GET"}},
            {"key": key, "value": {"stringValue": value}},
        ],
    }
    import json

    sent = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [data]}]}]}).encode()
    (found,) = Translator().translate(decode_json(sent).spans).requests
    assert found.endpoint == "GET /items/{id}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("", "/"),
        ("//a///b/", "/a/b"),
        ("/items/7", "/items/{id}"),
        ("/a/3f2504e0-4f89-11d3-9a0c-0305e82c3301/b", "/a/{id}/b"),
        ("/c/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/c/{id}"),
        ("/c/3f2a9c1d", "/c/{id}"),
        ("/static/app.3f2a9c1d.js", "/static/app.{id}.js"),
        ("/watch/dQw4w9WgXcQ", "/watch/{id}"),
        ("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "/t/{id}"),
        ("/2026-11-27/10:30", "/{id}/{id}"),
        ("/item-42/order_1001/abc123", "/item-{id}/order_{id}/abc{id}"),
        ("/u/ana@example.org/x%20y/é", "/u/{id}/{id}/{id}"),
        ("/a;jsessionid=3f2a9c1d/b", "/a/b"),
        ("/api/v1/oauth2/index.html", "/api/v1/oauth2/index.html"),
        ("/deadbeef/facade/getUserByEmail2", "/deadbeef/facade/getUserByEmail2"),
        ("/a" * 20, "/a" * 8 + "/..."),
        ("/" + "slug-" * 10, "/{id}"),
    ],
)
def test_templates_of_paths(path: str, expected: str) -> None:
    """Values go, words stay."""
    assert template_of(path) == expected


@pytest.mark.parametrize("span_name", ["GET", "GET /wp-login.php", "server", "/"])
def test_what_was_not_found_makes_no_endpoint(span_name: str) -> None:
    """A scanner's paths, however the span is called."""
    assert name_of(span_name, "/wp-login.php", 404) == ("GET (unmatched)", "unmatched")
    sent = {"http.method": "GET", "http.status_code": "404", "http.target": "/wp-login.php"}
    assert named((span_name, sent))[0].endpoint == "GET (unmatched)"


def test_a_missing_thing_of_a_template_is_its_endpoints() -> None:
    """A 404 of a handler that has a name."""
    assert name_of("GET /items/{id}", "/items/9", 404)[0] == "GET /items/{id}"


def test_nothing_at_all_is_unmatched() -> None:
    """No route, no name, no path."""
    assert name_of("GET") == ("GET (unmatched)", "unmatched")


def test_what_the_agent_saw_without_a_route_has_none() -> None:
    """It knows the app's routes; a refusal by a hook is no endpoint."""
    for told in ({"fmd.monitor_level": 2}, {"fmd.unmatched": True}):
        assert name_of("GET /x", "/x", 403, **told) == ("GET (unmatched)", "unmatched")


def test_a_mounted_app_is_named_by_its_paths() -> None:
    """One route for paths of different shapes, from the first of them; a 404 in it is its own."""
    paths = ("/sub/", "/sub/items/7", "/sub/items/8", "/sub/users", "/sub/nothing")
    spans = [
        (
            "GET /sub",
            {
                "http.method": "GET",
                "http.route": "/sub",
                "http.target": path,
                "http.status_code": 404 if "nothing" in path else 200,
            },
        )
        for path in paths
    ]
    assert [one.endpoint for one in named(*spans)] == [
        "GET /sub",
        "GET /sub/items/{id}",
        "GET /sub/items/{id}",
        "GET /sub/users",
        "GET /sub",
    ]


def test_a_mount_is_found_again_after_its_root_was_asked_for_often() -> None:
    """A route that fitted its paths for long is held against them again."""
    translator = Translator()

    def ask(path: str, times: int) -> list[str]:
        attributes = {"http.method": "GET", "http.route": "/sub", "http.target": path}
        spans = [Spans(n).span(attributes) for n in range(times)]
        return [r.endpoint for r in translator.translate(decode_protobuf(body(spans)).spans)[0]]

    assert set(ask("/sub", 100)) == {"GET /sub"}
    spans = decode_protobuf(body(Spans().many(1000))).spans
    for _ in range(201):
        translator.translate(spans)
    assert ask("/sub/a", 2) == ["GET /sub/a"] * 2


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/items/{id}", "/items/7"),
        ("/items", "/shop/items"),
        ("/files/*", "/files/a/b"),
        ("/files/{path:path}", "/files/a/b"),
        ("/files/<path:name>", "/files/a/b"),
        ("/files/{name...}", "/files/a/b"),
        ("/**", "/a/b"),
        ("/blog/[...slug]", "/blog/a/b"),
        (r"/re/(\d+)/.*", "/re/1/2"),
        ("/items", "/items/"),
    ],
)
def test_a_route_that_tells_the_whole_path_stays(route: str, path: str) -> None:
    """With placeholders, wildcards, below a prefix."""
    found = name_of(f"GET {route}", path, **{"http.route": route})
    assert found == (f"GET {route}", "route")


def test_long_texts_are_not_remembered() -> None:
    """Routes, names, paths and users of tens of kilobytes, each another: memory does not grow."""
    translator = Translator()
    long = "x" * 50_000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1_000):
            span = Spans(number).span(
                [
                    {"http.method": "GET", "http.route": f"/{number}{long}", "user.id": long},
                    {"http.method": "GET", "url.path": f"/{number}{long}"},
                    {"http.method": "GET", "flask.endpoint": f"{number}{long}"},
                    {"user.id": f"{number}{long}"},
                ][number % 4],
                name=f"{number}{long}",
            )
            translator.translate(decode_protobuf(body([span])).spans)
            del span
        assert tracemalloc.get_traced_memory()[0] - before < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_rules_rename() -> None:
    """By the path of what has no route, and by the name of anything; the first that matches."""
    rules = (
        r"GET /users/.* -> GET /users/{name}",
        r"(\w+) /(?P<language>de|fr)/.* -> \1 \g<language>",
        r"shop\.(.*) -> store.\1",
        r"GET /users/\{name\} -> never",
    )
    found = named(
        ("GET", {"http.method": "GET", "url.path": "/users/ana"}),
        ("POST", {"http.method": "POST", "url.path": "/de/a/b"}),
        ("GET", {"http.method": "GET", "flask.endpoint": "shop.item"}),
        ("GET", {"http.method": "GET", "http.route": "/fr/{page}"}),
        ("GET", {"http.method": "GET", "http.route": "/other"}),
        rules=rules,
    )
    assert [one.endpoint for one in found] == [
        "GET /users/{name}",
        "POST de",
        "store.item",
        "GET fr",
        "GET /other",
    ]
    assert [one.name_source for one in found] == ["rule"] * 4 + ["route"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("GET /a", "is not"),
        ("( -> a", "no regex"),
        ("a -> ", "is not"),
        (" -> a", "is not"),
        (r"(a) -> \2", "no group 2"),
        (r"(a) -> \g<b>", "no group b"),
        (r"a -> \q", "backslash"),
    ],
)
def test_a_bad_rule_is_refused_and_named(rule: str, why: str) -> None:
    """What is wrong with which."""
    with pytest.raises(ConfigurationError, match=why):
        read_rule(rule)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"flask.endpoint": "item"}, ("item", "flask")),
        ({"flask.endpoint": 7}, ("7", "flask")),
        ({"http.method": "GET", "fmd.monitor_level": 1, "url.path": "/a"},
         ("GET (unmatched)", "unmatched")),
        ({"http.method": "GET", "fmd.unmatched": True, "url.path": "/a"},
         ("GET (unmatched)", "unmatched")),
        ({"http.method": "GET"}, ("GET (unmatched)", "unmatched")),
        ({}, ("GET /nothing?a=1", "span")),
        ({"http.method": "GET", "http.route": 7}, ("GET 7", "route")),
        ({"http.method": "TEAPOT", "http.route": "/a"}, ("_OTHER /a", "route")),
        ({"http.method": "propfind", "http.route": "/a"}, ("PROPFIND /a", "route")),
        ({"http.request.method": "", "http.method": "PUT", "http.route": "/a"},
         ("PUT /a", "route")),
    ],
)  # fmt: skip
def test_where_a_name_comes_from(attributes: dict[str, Any], expected: tuple[str, str]) -> None:
    """The app's own endpoint, its route, its agent; a span that is not HTTP has its own name."""
    name = "GET /nothing?a=1" if not attributes else "GET"
    (found,) = named((name, attributes))
    assert (found.endpoint, found.name_source) == expected


@pytest.mark.parametrize(
    ("span_name", "expected"),
    [
        ("GET /items/7/and/8?x=1", "GET /items/{id}/and/{id}"),
        ("GET", "GET (unmatched)"),
        ("GET /", "GET /"),
        ("/a?b=c/d", "GET /a"),
    ],
)
def test_a_path_may_stand_in_the_spans_name_alone(span_name: str, expected: str) -> None:
    """From its first slash on, without its query."""
    assert name_of(span_name)[0] == expected


@pytest.mark.parametrize(
    ("span_name", "path", "status", "expected"),
    [
        ("GET  list   orders ", "/orders", 200, "GET  list   orders"),
        ("GET /a b", "/other", 200, "GET /a b"),
        ("GET /%C3%A9", "/é", 200, "GET /{id}"),
        ("GET /é/", "/%C3%A9", 200, "GET /{id}"),
        ("GET //", "/", 200, "GET /"),
        ("GET /items/7", "/items/7/", 200, "GET /items/{id}"),
        ("GET /items/7/", "/items/7/", 200, "GET /items/{id}"),
        ("GET /X", "/a/X", 200, "GET /a/X"),
        ("GET /X/", "/a/XX", 200, "GET /X/"),
        ("GET /page", "/fr/other", 404, "GET (unmatched)"),
        ("GET /p/{id}", "/fr/other", 404, "GET /p/{id}"),
        ("GET /items/7", "/items/7", 404, "GET (unmatched)"),
        ("_OTHER /a/{b}", "/a/7", 200, "GET /a/{b}"),
        ("get post HTTP head", "/a", 200, "GET /a"),
    ],
)
def test_what_a_spans_name_tells(span_name: str, path: str, status: int, expected: str) -> None:
    """Words, another template, or what the path is already; a missing page has no endpoint."""
    assert name_of(span_name, path, status)[0] == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"url.path": "", "http.target": "/b#c"}, "GET /b"),
        ({"url.path": 7, "http.target": "/b"}, "GET /b"),
        ({"url.full": "http://[::1", "http.url": "http://h/b"}, "GET /b"),
        ({"url.full": "nowhere", "http.url": "http://h"}, "GET /"),
        ({"url.path": "/" + "a/" * 600}, "GET /a/a/a/a/a/a/a/a/..."),
    ],
)
def test_the_first_path_that_is_one_counts(attributes: dict[str, Any], expected: str) -> None:
    """What is empty, no text or no address is passed over."""
    assert name_of("GET", **attributes)[0] == expected


def test_a_rule_may_name_a_path_below_a_route() -> None:
    """Before it is made a template; and what has a method only."""
    rules = (
        "GET /sub/a.* -> the a",
        "POST \\(unmatched\\) -> lost",
        "GET /n/.* -> n",
        "Job .* -> job",
    )
    found = named(
        ("GET", {"http.method": "GET", "http.route": "/sub", "url.path": "/sub/ab"}),
        ("POST", {"http.method": "POST"}),
        ("GET", {"http.method": "GET", "url.path": "/n/7"}),
        ("Job 7", {}),
        ("GET", {"http.method": "GET", "http.route": "/" + "x" * 600}),
        rules=rules,
    )
    assert [(one.endpoint, one.name_source) for one in found[:4]] == [
        ("the a", "rule"),
        ("lost", "rule"),
        ("n", "rule"),
        ("job", "rule"),
    ]
    assert found[4].name_source == "route"


def test_a_rule_is_held_against_the_beginning_of_a_long_name() -> None:
    """500 characters: no expression is let loose on more."""
    name = "x" * 499
    rules = (r"x{500} -> long", r"x{499} -> fits")
    found = named(
        ("GET", {"flask.endpoint": name}), ("GET", {"flask.endpoint": name + "xyz"}), rules=rules
    )
    assert [one.endpoint for one in found] == ["fits", "long"]


def test_a_route_is_trusted_after_it_fitted_often() -> None:
    """Paths are held against it 32 times, and no more until it is checked again."""
    translator = Translator()

    def ask(path: str) -> str:
        attributes = {"http.method": "GET", "http.route": "/sub", "http.target": path}
        spans = decode_protobuf(body([Spans().span(attributes)])).spans
        return translator.translate(spans).requests[0].endpoint

    assert [ask("/sub") for _ in range(32)] == ["GET /sub"] * 32
    assert ask("/sub/a") == "GET /sub/a"
    assert ask("/sub") == "GET /sub"
    assert ask("/sub/a") == "GET /sub"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/" + "x" * 40, "/" + "x" * 40),
        ("/" + "x" * 41, "/{id}"),
        ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/g/h"),
        ("/a/b/c/d/e/f/g/h/i", "/a/b/c/d/e/f/g/h/..."),
        ("/1.2", "/{id}"),
        ("/v1.2.json", "/v1.{id}.json"),
        ("/abcdefab", "/abcdefab"),
        ("/abcdef01", "/{id}"),
        ("/abcdef0", "/abcdef0"),
        ("/abcdefabcdefabcd", "/{id}"),
        ("/abcdefabcdefabc", "/abcdefabcdefabc"),
        ("/aB3dE5gH", "/{id}"),
        ("/ab3de5gh", "/ab3de5gh"),
        ("/AB3DE5GH", "/AB3DE5GH"),
        ("/aB3dE5g", "/aB3dE5g"),
        ("/aB3dEfgH", "/aB3dEfgH"),
        ("/gh3de5ghijklmnop", "/{id}"),
        ("/gh3de5ghijklmno", "/gh3de5ghijklmno"),
        ("/x-1", "/x-{id}"),
        ("/x-1a", "/x-1a"),
        ("/x12", "/x12"),
        ("/x123", "/x{id}"),
        ("/10:30_5~2,1", "/{id}"),
        ("/;a=1/b", "/b"),
    ],
)
def test_the_bounds_of_a_template(template: str, expected: str) -> None:
    """How long a word is before it is one by chance; how deep a path."""
    assert template_of(template).replace("//", "/") == expected


def test_what_depends_on_a_path_is_not_remembered_for_others() -> None:
    """One translator, one method: rules, names, templates and what is missing, each by itself."""
    translator = Translator(rules=("GET /ruled -> rule", "GET /sub/ruled -> rule below"))

    def ask(**attributes: Any) -> str:
        name = attributes.pop("name", "GET")
        given = {"http.method": "GET", **{k.replace("_", "."): v for k, v in attributes.items()}}
        spans = decode_protobuf(body([Spans().span(given, name=name)])).spans
        return translator.translate(spans).requests[0].endpoint

    assert ask(fmd_unmatched=True) == "GET (unmatched)"
    assert ask(url_path="/ruled") == "rule"
    assert ask(url_path="/a", name="do a") == "do a"
    assert ask() == "GET (unmatched)"
    assert ask(url_path="/b/7") == "GET /b/{id}"
    assert ask(url_path="/c") == "GET /c"
    for _ in range(40):
        assert ask(http_route="/sub", url_path="/sub/ruled") == "rule below"
        assert ask(http_route="/sub", url_path="/sub/7") == "GET /sub/{id}"


@pytest.mark.parametrize(
    ("span_name", "shown"),
    [
        ("job token=t0psecret", "job token=[redacted]"),
        ("sync https://ana:pw@shop/a", "sync https://[redacted]@shop/a"),
        ("job wait=5", "job wait=[redacted]"),
        ("job 7 of 9", "job 7 of 9"),
    ],
)
def test_a_secret_in_the_name_of_a_span_is_hidden(span_name: str, shown: str) -> None:
    """It may hold anything; further names act, too."""
    spans = decode_protobuf(body([Spans(1).span({}, name=span_name)])).spans
    translator = Translator(redactor=Redactor(["wait"]))
    assert [r.endpoint for r in translator.translate(spans).requests] == [shown]


def test_names_that_the_app_gave_are_left_alone() -> None:
    """Routes and Flask's endpoints name secrets, they do not hold any."""
    assert name_of("GET", "/reset/x", **{"http.route": "/reset/<string:token>"}) == (
        "GET /reset/<string:token>",
        "route",
    )
    assert name_of("GET", **{"flask.endpoint": "token:main"}) == ("token:main", "flask")
    assert name_of("GET /reset/{token:path}", "/reset/x")[0] == "GET /reset/{token:path}"


def test_long_names_stay_different() -> None:
    """Also where they differ only beyond what is searched for secrets."""
    first, second = named(("x" * 5_000 + "1", {}), ("x" * 5_000 + "2", {}))
    assert first.endpoint != second.endpoint
