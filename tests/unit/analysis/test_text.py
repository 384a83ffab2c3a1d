"""Text that fits its column, and numbers in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_fmd.analysis.text import browser_name, clean, count_text, duration_text, fit, visible


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
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 µs"),
        (0.0004, "0 µs"),
        (0.85, "850 µs"),
        (0.999, "999 µs"),
        (1, "1 ms"),
        (12.34, "12.3 ms"),
        (999, "999 ms"),
        (1000, "1 s"),
        (4561, "4.56 s"),
    ],
)
def test_durations_in_words(ms: float | None, text: str) -> None:
    """With the unit that suits them, in three digits."""
    assert duration_text(ms) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (950, "950"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_340, "12.3k"),
        (999_000, "999k"),
        (1_000_000, "1M"),
        (4_510_000, "4.51M"),
        (1_000_000_000, "1G"),
        (2_340_000_000, "2.34G"),
    ],
)
def test_counts_in_words(number: int, text: str) -> None:
    """Abbreviated from ten thousand on."""
    assert count_text(number) == text


def test_what_a_database_refuses_is_replaced() -> None:
    """NUL by the sign for what cannot be shown, half a surrogate pair by a question mark."""
    assert clean("a\x00b\x00") == "a\ufffdb\ufffd"
    assert clean("é\ud800") == "é?"


def test_a_cut_text_ends_in_a_hash() -> None:
    """Of the whole, after as much of the text as fits."""
    found = fit("a" * 101, 100)
    assert len(found) == 100
    assert found[:92] == "a" * 91 + "~"
    assert set(found[92:]) <= set("0123456789abcdef")
    assert fit("a" * 100, 100) == "a" * 100
    assert fit("é\ud800" * 100, 100)[:91] == ("é?" * 100)[:91]


def test_blanks_at_the_end_are_no_part_of_a_text() -> None:
    """MariaDB compares without them; nothing but blanks is nothing."""
    assert fit("a b \t", 100) == "a b"
    assert fit(" " * 200, 100) == ""
    assert fit(" " * 50, 100) == ""


def test_directions_are_shown_and_not_obeyed() -> None:
    """By their code point; the rest of the text stays."""
    assert visible("plain") == "plain"
    assert visible("é\u202eb\u2066") == "é⟨U+202E⟩b⟨U+2066⟩"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/141.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko) Version/18.6 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
            "like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari on iOS",
        ),
        ("curl/8.14.1", "curl/8.14.1"),
        ("x" * 100, "x" * 60),
        ("", "unknown"),
    ],
)
def test_browsers_by_name(user_agent: str, name: str) -> None:
    """As people call them; anything else as it is."""
    assert browser_name(user_agent) == name
