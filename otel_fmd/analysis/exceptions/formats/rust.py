"""Rust's panics with their backtrace.

Source: https://doc.rust-lang.org/std/backtrace/
"""

from __future__ import annotations

import re

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_CALL = re.compile(r"\s*[0-9]+: +(?:0x[0-9a-f]+ - )?(\S.*)")
_PLACE = re.compile(r"\s+at (\S.*?):([0-9]{1,9})(?::[0-9]+)?")
_PANIC = re.compile(
    r"thread '?.*?'? (?:\([0-9]+\) )?panicked at (?:'(.*)', )?(.*?):([0-9]+):[0-9]+:?"
)
_MARK = re.compile(r"^[ \t]+[0-9]+: .*\n[ \t]+at .*\.rs:[0-9]+|panicked at ", re.MULTILINE)
_PANICS = (
    "core::panicking",
    "std::panicking",
    "rust_begin_unwind",
    "std::backtrace",
    "core::result",
    "core::option",
    "std::rt::begin_panic",
    "__rustc::rust_begin_unwind",
)


def looks(text: str) -> bool:
    """Whether it has a panic or the frames of a backtrace."""
    return _MARK.search(text) is not None


def read(text: str) -> Draft | None:
    """The panic, and its frames without those that panicking itself adds."""
    draft = Draft("panic")
    message: list[str] = []
    calls: list[tuple[str, str, int | None]] = []
    place: tuple[str, int | None] = ("", None)
    is_head = True
    for line in text.split("\n"):
        panic = _PANIC.fullmatch(line)
        call = _CALL.fullmatch(line)
        if panic:
            place = (panic[2], int(panic[3]))
            message = [panic[1]] if panic[1] else []
        elif line.startswith("stack backtrace:"):
            is_head = False
        elif call:
            is_head = False
            calls.append((call[1], "", None))
        elif calls and (where := _PLACE.fullmatch(line)):
            calls[-1] = (calls[-1][0], where[1], int(where[2]))
        elif is_head and not line.startswith("note: "):
            message.append(line)
        elif line.strip() and not line.startswith("note: "):
            draft.is_whole = False
    draft.message = "\n".join(message).strip()
    while calls and calls[0][0].startswith(_PANICS):
        calls.pop(0)
    if not calls and not place[0]:
        return None
    frames = [_frame(*one) for one in calls] or [Frame(place[0], "", place[1])]
    frames.reverse()
    draft.frames = frames
    return draft


def _frame(name: str, file: str, line: int | None) -> Frame:
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    plain = name.replace("::{{closure}}", "").replace("::{closure#0}", "")
    module, _, function = plain.rpartition("::")
    if plain.startswith("<"):
        module, function = "", plain
    return Frame(
        file, function or name, line, "", module or function, in_app=bool(file) or "::" in name
    )
