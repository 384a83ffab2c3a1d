"""Labels of users and addresses: those of nobody are nobody's name."""

from __future__ import annotations

from otel_fmd.analysis.callers import NOBODY, OTHERS, caller_cell, caller_label


def test_names_are_shown_as_they_are() -> None:
    """In charts and in tables."""
    assert caller_label("ana") == caller_cell("ana") == "ana"
    assert caller_label(" a ") == " a "


def test_nobody_and_the_others_are_marked() -> None:
    """Unseen, so that somebody may be called `(unknown)`."""
    assert caller_label(NOBODY) == "(unknown)\u2060"
    assert caller_label(OTHERS) == caller_cell(OTHERS) == "(others)\u2060"
    assert caller_label("(unknown)") == "(unknown)"


def test_blanks_are_counted() -> None:
    """Nobody sees them otherwise."""
    assert caller_label("   ") == "(blank 3)\u2060"


def test_a_table_has_nothing_for_nobody() -> None:
    """Its cell is empty, and only that one."""
    assert caller_cell(NOBODY) == ""
    assert caller_cell(" ") == "(blank 1)\u2060"
