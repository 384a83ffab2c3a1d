"""Whether a name is that of a secret, by its words."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise

from otel_fmd.analysis.redaction import vocabulary

_LONGEST = 200
"""Characters of a name that are read, from its end."""
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]")
_SHORT_NUMBER = re.compile(r"[0-9]{0,4}")
_ORDINARY_CODE = re.compile(
    r"[A-Za-z]{0,3}[-_]?[0-9]{0,4}"  # 404, E1234
    r"|E[A-Z]{2,15}|[A-Z]{2,}(?:_[A-Z]+)+|OK|ABORTED|CANCELLED|INTERNAL|UNAUTHENTICATED|UNAVAILABLE"
    r"|UNIMPLEMENTED|UNKNOWN"  # constants of errno, of Node, of gRPC
    r"|[a-z]{2}(?:-[A-Z]{2})?"  # languages
)
_NUMBER = re.compile(r"[0-9]{1,15}")


class Secrecy(IntEnum):
    """What the values under a name are.

    PLAIN: no secrets. COUNTED: secrets, unless they are numbers. AMBIGUOUS: secrets, unless they
    are short numbers. CODE: secrets, unless they are short numbers, constants or languages, as in
    `code=404`. SECRET: secrets, always.
    """

    PLAIN = 0
    COUNTED = 1
    AMBIGUOUS = 2
    CODE = 3
    SECRET = 4


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: of `camelCase`, `kebab-case`, `HTTP_X_API_KEY`.

    Without digits: `passwd_2` is as secret as `passwd`.
    """
    return tuple(word.lower() for word in _WORD.findall(name[-_LONGEST:]))


def secrecy_of(name: str) -> Secrecy:
    """What the values under a name are, by the usual words."""
    # Names come from anywhere: long ones are not remembered whole.
    return _secrecy_of(name if len(name) <= _LONGEST else name[-_LONGEST:])


@lru_cache(maxsize=4096)
def _secrecy_of(name: str) -> Secrecy:
    words = words_of(name)
    if not words:
        return Secrecy.PLAIN
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if any(pair in vocabulary.PHRASES for pair in pairwise(words)):
        return Secrecy.SECRET
    if last == "code":
        if all(word in vocabulary.IN_FRONT for word in words[:-1]):
            return Secrecy.CODE
        return Secrecy.SECRET if before in vocabulary.CODE_OF else Secrecy.PLAIN
    if last in vocabulary.AT_THE_END:
        if before in vocabulary.ORDINARY_BEFORE.get(last, ()):
            return Secrecy.PLAIN
        is_alone = all(word in vocabulary.IN_FRONT for word in words[:-1])
        is_vague = is_alone and last in vocabulary.AMBIGUOUS
        return Secrecy.AMBIGUOUS if is_vague else Secrecy.SECRET
    if last in vocabulary.ABOUT:
        return Secrecy.PLAIN
    found = [word for word in words if _is_secret_word(word)]
    if not found:
        return Secrecy.PLAIN
    is_counted = all(word in vocabulary.COUNTED for word in found)
    return Secrecy.COUNTED if is_counted else Secrecy.SECRET


_KEPT = {
    Secrecy.COUNTED: _NUMBER,
    Secrecy.AMBIGUOUS: _SHORT_NUMBER,
    Secrecy.CODE: _ORDINARY_CODE,
}


def is_hidden(secrecy: Secrecy, value: object) -> bool:
    """Whether a value under a name of this secrecy must not be shown."""
    if secrecy is Secrecy.PLAIN or value is None or isinstance(value, bool):
        return False
    if isinstance(value, list | tuple):
        return any(is_hidden(secrecy, one) for one in value)
    if secrecy is Secrecy.SECRET:
        return True
    return _KEPT[secrecy].fullmatch(str(value).strip()) is None


def _is_secret_word(word: str) -> bool:
    return (
        word in vocabulary.ANYWHERE
        or word.endswith(vocabulary.WORD_ENDS)
        or any(part in word for part in vocabulary.WITHIN)
    )
