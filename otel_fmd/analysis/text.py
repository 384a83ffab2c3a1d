"""Text that fits its column: cut visibly, never silently, and never two into one."""

from __future__ import annotations

from hashlib import blake2b

_HASH_LENGTH = 8


def clean(text: str) -> str:
    """`text` without what a database refuses: NUL characters and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "�")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text


def fit(text: str, width: int) -> str:
    """`text` in at most `width` characters: cut texts end in `~` and a hash of the whole.

    Two different texts stay different, and a reader sees that something was cut. Trailing blanks
    are removed, because MariaDB compares `'a'` and `'a '` as equal.
    """
    if len(text) > width:
        if text.isspace():
            return ""
        digest = blake2b(text.encode("utf-8", "replace"), digest_size=_HASH_LENGTH // 2).hexdigest()
        text = f"{text[: width - _HASH_LENGTH - 1]}~{digest}"
    return clean(text).rstrip()
