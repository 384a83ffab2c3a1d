"""The profile event: what goes in comes out, and what was cut says so."""

from __future__ import annotations

import json
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


def read(line: int = 5, indent: int = 0, wall: int = 10, cpu: int = 5, **more: Any) -> Profile:
    """A profile of one line, with such numbers."""
    columns = [["a.py", "f", "x"], [0], [line], [1], [2], [indent], [wall], [cpu]]
    data = zlib.compress(json.dumps(columns).encode())
    attributes = {f"fmd.profile.{name}": value for name, value in more.items()}
    found = profile_of(Event("fmd.profile", 1, {"fmd.profile.data": data, **attributes}))
    assert found is not None
    return found


def test_numbers_stay_as_they_are() -> None:
    """Durations of 0 among them; a negative one of the CPU means that it is not known."""
    assert read() == Profile([ProfileLine("a.py", 5, "f", "x", 0, 10, 5)], 0, 0, is_cut=False)
    assert read(wall=0, cpu=0, samples=7, not_sampled_us=9) == Profile(
        [ProfileLine("a.py", 5, "f", "x", 0, 0, 0)], 7, 9, is_cut=False
    )
    assert read(indent=-3, wall=-1, cpu=-1, not_sampled_us=-9).lines[0][4:] == (0, 0, None)
    assert read(not_sampled_us=-9, samples=-9)[1:3] == (0, 0)
    assert read(cut=True).is_cut


@pytest.mark.parametrize(
    ("name", "most"),
    [("line", 2**31 - 1), ("indent", 2**31 - 1), ("wall", 2**63 - 1), ("cpu", 2**63 - 1)],
)
def test_a_number_that_no_column_holds_cuts_the_profile(name: str, most: int) -> None:
    """It would cost the whole batch; the greatest that fits is kept."""
    assert len(read(**{name: most}).lines) == 1
    cut = read(**{name: most + 1})
    assert (cut.lines, cut.is_cut) == ([], True)


def test_counts_that_no_column_holds_are_bounded() -> None:
    """The lines are worth having all the same."""
    found = read(samples=2**63 - 1, not_sampled_us="9" * 400)
    assert (len(found.lines), found.samples, found.not_sampled_us) == (1, 2**31 - 1, 2**63 - 1)


def test_columns_of_different_lengths_cut_the_profile() -> None:
    """Lines that are whole are kept."""
    attributes = earlier_attributes()
    attributes["fmd.profile.cpu_us"] = [20_000]
    found = profile_of(Event("fmd.profile", 1, attributes))
    assert found == Profile(LINES[:1], 8, 0, is_cut=True)


def test_a_table_without_its_length_counts_as_cut() -> None:
    """Nobody says that it is whole, be it empty or of one character."""
    for strings in ([], ["x"]):
        attributes = earlier_attributes() | {"fmd.profile.strings": strings}
        del attributes["fmd.profile.characters"]
        found = profile_of(Event("fmd.profile", 1, attributes))
        assert found == Profile([], 8, 0, is_cut=True)
    columns = ("file", "line", "function", "code", "indent", "wall_us", "cpu_us")
    attributes = {f"fmd.profile.{name}": [0] for name in columns}
    found = profile_of(Event("fmd.profile", 1, attributes | {"fmd.profile.strings": ["x"]}))
    assert found == Profile([ProfileLine("x", 0, "x", "x", 0, 0, 0)], 0, 0, is_cut=True)


def test_texts_of_any_kind_survive() -> None:
    """Letters beyond ASCII take no more room than in UTF-8; half a surrogate pair is replaced."""
    lines = [ProfileLine("é.py", 1, "naïve", "print('🫖')\ud800", 0, 1, 1)]
    attributes = profile_attributes(Profile(lines, 1, 0, is_cut=True))
    text = zlib.decompress(attributes["fmd.profile.data"]).decode()
    assert text == """[["é.py","naïve","print('🫖')?"],[0],[1],[1],[2],[0],[1],[1]]"""
    found = profile_of(Event("fmd.profile", 1, attributes))
    assert found is not None
    assert found.is_cut
    assert found.lines[0].code == "print('🫖')?"


def test_a_profile_of_no_lines() -> None:
    """Nothing was seen; that is a profile as well."""
    profile = Profile([], 0, 3, is_cut=False)
    assert profile_of(Event("fmd.profile", 1, profile_attributes(profile))) == profile


def test_a_large_profile_is_refused_and_a_smaller_one_read() -> None:
    """A megabyte of text is the limit."""
    for size, is_read in ((900_000, True), (1_100_000, False)):
        columns = [["a.py", "f", "x" * size], [0], [5], [1], [2], [0], [10], [5]]
        data = zlib.compress(json.dumps(columns).encode())
        found = profile_of(Event("fmd.profile", 1, {"fmd.profile.data": data}))
        assert (found is not None) is is_read
