"""Labels of users and addresses: those of nobody are nobody's name."""

from __future__ import annotations

from otel_fmd.analysis.who import NOBODY, OTHERS, who_cell, who_label


def test_names_are_shown_as_they_are() -> None:
    """In charts and in tables."""
    assert who_label("ana") == who_cell("ana") == "ana"
    assert who_label(" a ") == " a "


def test_nobody_and_the_others_are_marked() -> None:
    """Unseen, so that somebody may be called `(unknown)`."""
    assert who_label(NOBODY) == "(unknown)\u2060"
    assert who_label(OTHERS) == who_cell(OTHERS) == "(others)\u2060"
    assert who_label("(unknown)") == "(unknown)"


def test_blanks_are_counted() -> None:
    """Nobody sees them otherwise."""
    assert who_label("   ") == "(blank 3)\u2060"


def test_a_table_has_nothing_for_nobody() -> None:
    """Its cell is empty, and only that one."""
    assert who_cell(NOBODY) == ""
    assert who_cell(" ") == "(blank 1)\u2060"
