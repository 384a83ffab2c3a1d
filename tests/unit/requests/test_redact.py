"""Secrets in names and addresses: hidden, and nothing else is."""

from __future__ import annotations

import pytest

from otel_fmd.requests.redact import REDACTED, is_secret, redact, redact_url


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("http.response.header.set-cookie", True),
        ("HTTP_X_API_KEY", True),
        ("private-key", True),
        ("apikey", True),
        ("old_passwd_2", True),
        ("token", True),
        ("X-Request-Id", False),
        ("cookie-banner", False),
        ("http.request.header.accept", False),
        ("HTTP_X_MINE", False),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, is_one: bool) -> None:
    """Header names as a whole, parts of any name; without what stands in front of a header."""
    assert is_secret(name) is is_one


def test_further_names_are_secret_too() -> None:
    """Whatever their spelling; they are whole names."""
    assert is_secret("HTTP_X_MINE", ["x-Mine"])
    assert is_secret("x-mine", ["other", "X_MINE"])
    assert not is_secret("x-mine-too", ["x-mine"])
    assert redact({"a": 1, "B_c": 2, "d": 3}, ["A", "b-C"]) == {
        "a": REDACTED,
        "B_c": REDACTED,
        "d": 3,
    }


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
        ("/a?b=1?token=t", "/a?b=1?token=t"),
        ("/a?api%5Fkey=k&a+token=t", "/a?api%5Fkey=[redacted]&a+token=[redacted]"),
        ("https://ana:pw@shop/a", "https://[redacted]@shop/a"),
        ("https://ana@shop", "https://[redacted]@shop"),
        ("https://ana:p@ss@w@shop:80/@a", "https://[redacted]@shop:80/@a"),
        ("https://shop/u/ana@example.org", "https://shop/u/ana@example.org"),
        ("https://shop/x://a@b", "https://shop/x://a@b"),
        ("https://ana:pw@shop/x?next=http://a@b&token=t",
         "https://[redacted]@shop/x?next=http://a@b&token=[redacted]"),
        ("ana@shop/a", "ana@shop/a"),
    ],
)  # fmt: skip
def test_an_address_without_its_secrets(url: str, shown: str) -> None:
    """In its query and its user part, all of it; the rest stays as it is."""
    assert redact_url(url) == shown


def test_a_query_string_without_its_secrets() -> None:
    """It has no question mark, or its own."""
    assert redact_url("token=t&b=1", bare=True) == "token=[redacted]&b=1"
    assert redact_url("a?token=t", bare=True) == "a?token=[redacted]"
    assert redact_url("http://a:b@c", bare=True) == "http://a:b@c"


def test_further_names_in_an_address() -> None:
    """As those that are set."""
    assert redact_url("/a?wait=1&b=2", ["WAIT"]) == "/a?wait=[redacted]&b=2"
    assert redact_url("/a?wait=1&b=2") == "/a?wait=1&b=2"
