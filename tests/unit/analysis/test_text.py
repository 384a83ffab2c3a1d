"""Text that fits its column, and secrets that are hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis.text import clean, fit
from otel_fmd.requests.redact import REDACTED, is_secret, redact


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(12, 60))
def test_a_fitted_text_fits_and_can_be_stored(text: str, width: int) -> None:
    """It fits, has no NUL and no lone surrogate, and stays itself when fitted again."""
    found = fit(text, width)
    assert len(found) <= width
    assert "\x00" not in found
    found.encode("utf-8")
    assert fit(found, width) == found


def test_two_long_texts_stay_different() -> None:
    """The hash of the whole keeps them apart."""
    assert fit("a" * 300, 100) != fit("a" * 301, 100)


def test_short_texts_are_left_alone() -> None:
    """Nothing is done that need not be."""
    assert fit("GET /é", 250) == "GET /é"
    assert clean("plain") == "plain"


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "HTTP_COOKIE",
        "set-cookie",
        "X-Api-Key",
        "http.request.header.authorization",
        "csrf_token",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
    ],
)
def test_secrets_are_known_by_name(name: str) -> None:
    """Whatever the spelling."""
    assert is_secret(name)


def test_only_secrets_are_redacted() -> None:
    """Other values stay; further names can be added."""
    found = redact({"Cookie": "a", "Accept": "b", "X-Mine": "c"}, ["x-mine"])
    assert found == {"Cookie": REDACTED, "Accept": "b", "X-Mine": REDACTED}
