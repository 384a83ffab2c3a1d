"""The profile event: what goes in comes out, and what was cut says so."""

from __future__ import annotations

from otel_fmd.spans.profile import Profile, ProfileLine, profile_attributes, profile_of
from otel_fmd.spans.record import Event

LINES = [
    ProfileLine("shop.py", 5, "item", "def item(i):", 0, 40_000, 20_000),
    ProfileLine("shop.py", 6, "item", "row = load(i)", 1, 30_000, None),
]


def test_a_profile_survives_its_event() -> None:
    """The same lines, durations and counts."""
    profile = Profile(LINES, 8, 1_500, is_cut=False)
    assert profile_of(Event("fmd.profile", 1, profile_attributes(profile))) == profile


def test_a_cut_string_table_is_recognised() -> None:
    """A length limit of the SDK cut texts: the profile says so."""
    attributes = profile_attributes(Profile(LINES, 8, 0, is_cut=False))
    attributes["fmd.profile.strings"] = [text[:4] for text in attributes["fmd.profile.strings"]]
    found = profile_of(Event("fmd.profile", 1, attributes))
    assert found is not None
    assert found.is_cut


def test_lost_strings_cut_the_profile_there() -> None:
    """Lines without their text are left out."""
    attributes = profile_attributes(Profile(LINES, 8, 0, is_cut=False))
    attributes["fmd.profile.strings"] = attributes["fmd.profile.strings"][:3]
    found = profile_of(Event("fmd.profile", 1, attributes))
    assert found is not None
    assert found.is_cut
    assert len(found.lines) == 1


def test_an_event_that_is_no_profile_is_none() -> None:
    """Nothing is guessed."""
    assert profile_of(Event("fmd.profile", 1, {"fmd.profile.strings": 5})) is None
