"""What is hidden, what stands in its place, and what stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_fmd.analysis.redaction.names import Secrecy, secrecy_of, words_of
from otel_fmd.analysis.redaction.patterns import REDACTED, is_card_number
from otel_fmd.analysis.redaction.redactor import Redactor

USUAL = Redactor()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("camelCaseName", ("camel", "case", "name")),
        ("HTTP_X_API_KEY", ("http", "x", "api", "key")),
        ("X-CSRFToken", ("x", "csrf", "token")),
        ("http.request.header.x-id", ("http", "request", "header", "x", "id")),
        ("APIKey2", ("api", "key")),
        ("", ()),
        ("-_.", ()),
    ],
)
def test_the_words_of_a_name(name: str, words: tuple[str, ...]) -> None:
    """In every spelling that is usual."""
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("name", "secrecy"),
    [
        ("http.response.header.set-cookie", Secrecy.SECRET),
        ("old_passwd_2", Secrecy.SECRET),
        ("aspsessionidqab", Secrecy.SECRET),
        ("password_hash", Secrecy.SECRET),
        ("password_policy", Secrecy.PLAIN),
        ("code", Secrecy.CODE),
        ("http.request.header.code", Secrecy.CODE),
        ("dasPasswort", Secrecy.SECRET),
        ("error.code", Secrecy.PLAIN),
        ("reset_code", Secrecy.SECRET),
        ("key", Secrecy.AMBIGUOUS),
        ("api_key", Secrecy.SECRET),
        ("sort_key", Secrecy.PLAIN),
        ("keyboard", Secrecy.PLAIN),
        ("input_tokens", Secrecy.COUNTED),
        ("x" * 1_000 + "_token", Secrecy.SECRET),
    ],
)
def test_a_name_says_what_its_values_are(name: str, secrecy: Secrecy) -> None:
    """By its words, and by those beside them."""
    assert secrecy_of(name) is secrecy


def test_further_names_are_secrets_too() -> None:
    """In any spelling, as a header, and as the last part of a dotted name; nothing else is."""
    redactor = Redactor(["x-Tenant", "wait ", ""])
    for name in ("x-tenant", "X_TENANT", "HTTP_X_TENANT", "http.request.header.x_tenant", "WAIT"):
        assert redactor.value(name, "a") == REDACTED
    assert redactor.value("app.order.wait", 5) == REDACTED
    for name in ("x-tenant-too", "tenant", "waiter", ""):
        assert redactor.value(name, "a") == "a"
    assert redactor.url("/a?wait=1&b=2") == "/a?wait=[redacted]&b=2"
    assert redactor.text("x_tenant='a' b") == "x_tenant='[redacted]' b"
    assert USUAL.url("/a?wait=1&b=2") == "/a?wait=1&b=2"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("/a", "/a"),
        ("/a?b", "/a?b"),
        ("/a?b=1&c", "/a?b=1&c"),
        ("/a?token=t&b=1&x_secret=s", "/a?token=[redacted]&b=1&x_secret=[redacted]"),
        ("/a?token", "/a?token"),
        ("/a?token&b=1", "/a?token&b=1"),
        ("/a?token=a=b&b=1=2", "/a?token=[redacted]&b=1=2"),
        ("/a?token=a;b&c=1", "/a?token=[redacted]&c=1"),
        ("/a?b=1?token=t", "/a?b=1%3Ftoken=[redacted]"),
        ("/a?api%5Fkey=k&a+token=t", "/a?api%5Fkey=[redacted]&a+token=[redacted]"),
        ("/a?user[password]=x", "/a?user[password]=[redacted]"),
        ("/a?code=404", "/a?code=404"),
        ("/a?code=4%2F0AX4XfWh", "/a?code=[redacted]"),
        ("/a?next=%2Fx%3Ftoken%3Dt%26b%3D1", "/a?next=%2Fx%3Ftoken=[redacted]%26b=1"),
        ("/a?q=r%C3%A9sum%C3%A9+x", "/a?q=r%C3%A9sum%C3%A9+x"),
        ("/a;v=1;jsessionid=s;w=2/b;c=3", "/a;v=1;jsessionid=[redacted]/b;c=3"),
        ("/a#access_token=t&b=1", "/a#access_token=[redacted]&b=1"),
        ("/a#/b?token=t", "/a#/b?token=[redacted]"),
        ("/a#part", "/a#part"),
        ("https://ana:pw@shop/a", "https://[redacted]@shop/a"),
        ("https://ana@shop", "https://[redacted]@shop"),
        ("https://ana:p@ss@w@shop:80/@a", "https://[redacted]@shop:80/@a"),
        ("https://ana:p/w#1@shop/a", "https://[redacted]@shop/a"),
        ("https://shop/u/ana@example.org", "https://shop/u/ana@example.org"),
        ("https://shop:80/u/ana@example.org", "https://shop:80/u/ana@example.org"),
        ("https://[::1]:80/u/ana@example.org", "https://[::1]:80/u/ana@example.org"),
        ("https://shop/x://a@b", "https://shop/x://a@b"),
        ('/x{"password":"y"}/z', '/x{"password":"[redacted]"}/z'),
        ("ana@shop/a", "ana@shop/a"),
    ],
)
def test_a_url_without_its_secrets(url: str, shown: str) -> None:
    """In all of its parts; the rest stays as it is, and a second look changes nothing."""
    assert USUAL.url(url) == shown
    assert USUAL.url(shown) == shown


@pytest.mark.parametrize(
    ("route", "url", "shown"),
    [
        ("/reset/<token>", "/reset/a1b2", "/reset/[redacted]"),
        ("/reset/<string:token>/", "/reset/a1b2/?x=1", "/reset/[redacted]/?x=1"),
        ("/reset/{token}", "https://shop/reset/a1b2#x", "https://shop/reset/[redacted]#x"),
        ("/reset/{token:path}", "/reset/a/b/c", "/reset/[redacted]/[redacted]/[redacted]"),
        ("/f/{secret...}", "/f/a/b", "/f/[redacted]/[redacted]"),
        ("/f/[...token]", "/f/a/b", "/f/[redacted]/[redacted]"),
        ("/reset/:token", "/reset/a1b2", "/reset/[redacted]"),
        ("/f/*token", "/f/a/b", "/f/[redacted]/[redacted]"),
        ("^reset/(?P<uid>[0-9]+)/(?P<token>[^/]+)/$", "/reset/7/a1/", "/reset/7/[redacted]/"),
        ("/u/<int:uid>/keys/<key>", "/u/7/keys/k1", "/u/7/keys/[redacted]"),
        ("/<path:rest>/t/<token>", "/a/b/t/x", "/a/b/t/[redacted]"),
        ("/files/<token>.pdf", "/files/a1.pdf", "/files/[redacted]"),
        ("/reset/<token>", "/mounted/at/reset/a1b2", "/mounted/at/reset/[redacted]"),
        ("/reset/<token>/", "/reset/a1b2/more", "/reset/[redacted]/more"),
        ("/reset/<token>", "/other/a1b2", "/other/a1b2"),
        ("/reset/<token>", "/reset", "/reset"),
        ("/items/<int:number>", "/items/7", "/items/7"),
        ("", "/reset/a1b2", "/reset/a1b2"),
        ("/<path:token>", "https://shop/a/b", "https://shop/[redacted]/[redacted]"),
    ],
)
def test_a_part_of_a_path_is_hidden_by_the_name_in_its_route(
    route: str, url: str, shown: str
) -> None:
    """In the syntax of Flask, FastAPI, Go, Express, Django and Next; mounted apps, too."""
    assert USUAL.url(url, route) == shown


def test_what_a_path_told_is_hidden_elsewhere() -> None:
    """As it is in the URL and decoded; a few characters are in any text, and stay."""
    found = USUAL.path_secrets("/reset/a%2Db2c3d/x", "/reset/<token>/x")
    assert found == ["a%2Db2c3d", "a-b2c3d"]
    assert USUAL.without("at /reset/a-b2c3d or a%2Db2c3d", found) == (
        "at /reset/[redacted] or [redacted]"
    )
    assert USUAL.without("one of 12", ["12"]) == "one of 12"


@pytest.mark.parametrize(
    ("digits", "is_one"),
    [
        ("4111111111111111", True),
        ("378282246310005", True),
        ("5555555555554444", True),
        ("6011111111111117", True),
        ("30569309025904", True),
        ("3530111333300000", True),
        ("4111111111111112", False),
        ("1764000000000000", False),
        ("411111111111", False),
        ("0000000000000000", False),
    ],
)
def test_a_card_number_has_a_prefix_a_length_and_a_check_digit(digits: str, is_one: bool) -> None:
    """Numbers that payment companies publish for tests; times in microseconds are none."""
    assert is_card_number(digits) is is_one
    assert (USUAL.text(f"paid {digits} now") != f"paid {digits} now") is is_one
    assert (USUAL.value("n", int(digits)) == REDACTED) is is_one


def test_values_of_every_type() -> None:
    """Nested ones, JSON in texts, bytes, and what only apps have; the given ones stay as they are.

    None and flags are no secrets; the same type comes back if nothing is hidden.
    """
    odd = {1, 2}
    given_values: dict[str, Any] = {
        "password": ["a", "b"],
        "token": None,
        "is_secret": True,
        "a": ({"pin": 1234}, 5, 2.5),
        "b": '{"c": {"token": "x"}, "d": 1.5}',
        "c": b"password=x",
        "d": b"\xff",
        "e": odd,
        "session": {"id": 1},
    }
    before = dict(given_values)
    assert USUAL.mapping(given_values) == {
        "password": REDACTED,
        "token": None,
        "is_secret": True,
        "a": [{"pin": REDACTED}, 5, 2.5],
        "b": '{"c": {"token": "[redacted]"}, "d": 1.5}',
        "c": f"password={REDACTED}",
        "d": b"\xff",
        "e": odd,
        "session": REDACTED,
    }
    assert given_values == before


def test_an_attribute_of_the_request_itself_can_be_a_secret() -> None:
    """Its query, or its whole URL, if its name is added."""
    values = {"url.query": "q=1", "url.full": "http://x/a?q=1", "url.path": "/a"}
    assert Redactor(["url.query", "url.full"]).mapping(values) == {
        "url.query": REDACTED,
        "url.full": REDACTED,
        "url.path": "/a",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('/x{"password":"y"}', '/x{"password":"[redacted]"}'),
        ("a,b://c,password:xyz", "a,b://c,password:[redacted]"),
        ("user=ana,password=xyz", "user=ana,password=[redacted]"),
        ("jdbc:postgresql://h/db?password=xyz", "jdbc:postgresql://h/db?password=[redacted]"),
        ("h;a=1,password:xyz", "h;a=1,password:[redacted]"),
    ],
)
def test_a_value_that_looks_like_something_else(text: str, shown: str) -> None:
    """It is looked into all the same."""
    assert USUAL.value("note", text) == shown


def test_what_is_nested_too_deep_is_hidden() -> None:
    """Rather than not looked into; and it costs no stack."""
    value: Any = "x y z"
    for _ in range(30):
        value = {"a": [value]}
    assert REDACTED in json.dumps(USUAL.value("a", value))
    assert "x y z" not in json.dumps(USUAL.value("a", value))
    assert USUAL.value("a", "[" * 100_000 + "]" * 100_000)
    url = "/?token=t0psecret"
    for _ in range(20):
        url = f"/?a={url.replace('%', '%25').replace('?', '%3F').replace('=', '%3D')}"
    assert "t0psecret" not in USUAL.url(url)


def test_headers_and_environment_can_be_left_out() -> None:
    """Both, in every form; an environment without headers has none of theirs."""
    headers, environ = [("Host", "x"), ("Cookie", "a=b")], {"A": "b", "HTTP_HOST": "x"}
    attributes = {"a": "b", "http.request.header.x": ["y"], "user_agent.original": "z"}
    assert USUAL.headers(headers) == "Host: x\r\nCookie: [redacted]\r\n"
    assert USUAL.header_lines("Host: x\r\nCookie: a=b\r\n\r\nodd\n") == (
        "Host: x\r\nCookie: [redacted]\r\n\r\nodd\n"
    )
    assert USUAL.environ(environ) == str(environ)
    assert USUAL.attributes(attributes) == json.dumps(attributes)
    none = Redactor(keep_headers=False)
    assert none.headers(headers) == none.header_lines("Host: x\r\n") == ""
    assert none.environ(environ) == "{'A': 'b'}"
    assert none.environ_text(str({"HTTP_HOST": "it's", "A": "b", "HTTP_X": 'a"b'})) == (
        "{'A': 'b', }"
    )
    assert none.attributes(attributes) == '{"a": "b"}'
    bare = Redactor(keep_environ=False)
    assert bare.headers(headers) == USUAL.headers(headers)
    assert bare.environ(environ) == bare.environ_text("{}") == bare.attributes(attributes) == ""


def test_a_query_string_is_no_path() -> None:
    """It may have slashes, and has no question mark, or its own."""
    assert USUAL.query("token=a/b&b=1") == "token=[redacted]&b=1"
    assert USUAL.mapping({"QUERY_STRING": "token=a/b"}) == {"QUERY_STRING": "token=[redacted]"}
    assert USUAL.value("X-Query", "token=a/b&c=1") == "token=[redacted]&c=1"
    assert USUAL.query("a?token=t") == "a?token=[redacted]"
