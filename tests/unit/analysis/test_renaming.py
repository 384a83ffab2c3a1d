"""Rules that rename endpoints: what they match, and what is wrong with those that are none."""

from __future__ import annotations

import re

import pytest

from otel_fmd.analysis.renaming import read_rule
from otel_fmd.errors import ConfigurationError


def test_a_rule_is_a_pattern_and_a_name() -> None:
    """Blanks around them are not part of either; the last arrow counts."""
    found = read_rule("  GET /a -> b/(\\d+)  ->  GET /x  ")
    assert (found.pattern.pattern, found.name) == ("GET /a -> b/(\\d+)", "GET /x")
    assert found.pattern.fullmatch("GET /a -> b/7")


@pytest.mark.parametrize("name", ["a \\1", "\\2", "\\g<word>", "\\g<1>", "\\g<2>", "\\g<0>"])
def test_a_name_may_refer_to_groups(name: str) -> None:
    """By their number or their name."""
    found = read_rule(rf"(\d+)/(?P<word>\w+) -> {name}")
    match = found.pattern.fullmatch("7/ab")
    assert match is not None
    assert match.expand(found.name)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (" GET /a ", "rule 'GET /a' is not `regex -> name`"),
        ("a -> ", "rule 'a ->' is not `regex -> name`"),
        (" -> a", "rule '-> a' is not `regex -> name`"),
        ("( -> a", "rule '( -> a': '(' is no regex: missing )"),
        (
            "a{99999999999999} -> a",
            "rule 'a{99999999999999} -> a': 'a{99999999999999}' is no regex",
        ),
        (r"(a) -> \2", r"rule '(a) -> \\2': '(a)' has no group 2"),
        (r"(a) -> \g<b>", r"rule '(a) -> \\g<b>': '(a)' has no group b"),
        (r"(a) -> \g<2>", r"rule '(a) -> \\g<2>': '(a)' has no group 2"),
        (r"a -> \q", r"rule 'a -> \\q': a backslash must be \1 or \g<name>"),
    ],
)
def test_what_is_wrong_is_said(rule: str, message: str) -> None:
    """The rule, its pattern, and why."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        read_rule(rule)
