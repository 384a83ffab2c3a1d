"""Rules that rename endpoints: a regular expression and the name of what it matches."""

from __future__ import annotations

import re
from typing import NamedTuple

from otel_fmd.errors import ConfigurationError

RULE_ARROW = " -> "
_REFERENCE = re.compile(r"\\(?:([1-9][0-9]?)|g<(\w+)>)")


class Rule(NamedTuple):
    """Renames what `pattern` matches as a whole."""

    pattern: re.Pattern[str]
    name: str


def read_rule(text: str) -> Rule:
    r"""A rule, `regex -> name`; the name may refer to groups, `\1` or `\g<name>`.

    Raises:
        ConfigurationError: it is none; the message says why.
    """
    pattern, arrow, name = (part.strip() for part in text.rpartition(RULE_ARROW))
    if not arrow or not pattern or not name:
        raise ConfigurationError(f"rule {text.strip()!r} is not `regex{RULE_ARROW}name`")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"rule {text!r}: {pattern!r} is no regex: {error}") from None
    for number, group in _REFERENCE.findall(name):
        known = int(number) <= compiled.groups if number else group in compiled.groupindex
        if not known and not (group.isdigit() and int(group) <= compiled.groups):
            raise ConfigurationError(f"rule {text!r}: {pattern!r} has no group {number or group}")
    if "\\" in _REFERENCE.sub("", name):
        raise ConfigurationError(rf"rule {text!r}: a backslash must be \1 or \g<name>")
    return Rule(compiled, name)
