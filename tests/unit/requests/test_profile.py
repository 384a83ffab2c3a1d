"""The profile event: what goes in comes out, and what was cut says so."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from otel_fmd.requests.profile import Profile, ProfileLine, profile_attributes, profile_of
from otel_fmd.signals.record import Event

LINES = [
    ProfileLine("shop.py", 5, "item", "def item(i):", 0, 40_000, 20_000),
    ProfileLine("shop.py", 6, "item", "row = load(i)", 1, 30_000, None),
]


def test_a_profile_survives_its_event() -> None:
    """The same lines, durations and counts."""
    profile = Profile(LINES, 8, 1_500, is_cut=False)
    assert profile_of(Event("fmd.profile", 1, profile_attributes(profile))) == profile


def earlier_attributes() -> dict[str, Any]:
    """As agents of earlier versions sent it: parallel arrays."""
    return {
        "fmd.profile.file": [0, 0],
        "fmd.profile.line": [5, 6],
        "fmd.profile.function": [1, 1],
        "fmd.profile.code": [2, 3],
        "fmd.profile.indent": [0, 1],
        "fmd.profile.wall_us": [40_000, 30_000],
        "fmd.profile.cpu_us": [20_000, -1],
        "fmd.profile.strings": ["shop.py", "item", "def item(i):", "row = load(i)"],
        "fmd.profile.characters": 36,
        "fmd.profile.samples": 8,
    }


def test_profiles_of_earlier_agents_are_read() -> None:
    """The same lines from parallel arrays."""
    found = profile_of(Event("fmd.profile", 1, earlier_attributes()))
    assert found == Profile(LINES, 8, 0, is_cut=False)


def test_a_cut_string_table_is_recognised() -> None:
    """A length limit of the SDK cut texts: the profile says so."""
    attributes = earlier_attributes()
    attributes["fmd.profile.strings"] = [text[:4] for text in attributes["fmd.profile.strings"]]
    found = profile_of(Event("fmd.profile", 1, attributes))
    assert found is not None
    assert found.is_cut


def test_lost_strings_cut_the_profile_there() -> None:
    """Lines without their text are left out."""
    attributes = earlier_attributes()
    attributes["fmd.profile.strings"] = attributes["fmd.profile.strings"][:3]
    found = profile_of(Event("fmd.profile", 1, attributes))
    assert found is not None
    assert found.is_cut
    assert len(found.lines) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"no zlib",
        5,
        10**12,
        "text",
        zlib.compress(b"[1]"),
        zlib.compress(b"[[],[],[],[],[],[],[],[1e999]]"),
        zlib.compress(b"[" * 100_000),
        zlib.compress(bytes(50_000_000)),
    ],
)
def test_data_that_cannot_be_read_is_no_profile(data: object) -> None:
    """Whatever stands there, bombs among it."""
    assert profile_of(Event("fmd.profile", 1, {"fmd.profile.data": data})) is None


def test_an_event_that_is_no_profile_is_none() -> None:
    """Nothing is guessed."""
    assert profile_of(Event("fmd.profile", 1, {"fmd.profile.strings": 5})) is None
