"""Texts of stack traces, of any language, parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

from otel_fmd.analysis.exceptions.drafts import Draft, raised_of
from otel_fmd.analysis.exceptions.formats import (
    dotnet,
    golang,
    java,
    javascript,
    php,
    python,
    ruby,
    rust,
)
from otel_fmd.analysis.exceptions.ownership import Owners, is_own, is_wrapper
from otel_fmd.analysis.exceptions.trace import Frame, StackTrace

MOST_CHARACTERS = 1_000_000
"""Of a text that are read."""
MOST_LINES = 20_000
"""Of those."""
LONGEST_LINE = 2_000
"""Characters of a line that are read."""
_FORMATS: tuple[tuple[str, ModuleType], ...] = (
    ("python", python),
    ("go", golang),
    ("rust", rust),
    ("php", php),
    ("java", java),
    ("ruby", ruby),
    ("nodejs", javascript),
    ("dotnet", dotnet),
)
"""In the order in which they are tried: the ones with the clearest marks first."""
_TYPED = re.compile(r"((?:[A-Za-z_]\w*(?:\.|::|\\|\$))*[A-Z]\w*[a-z]\w*): (.*)")
"""`shop.errors.Late: order 17`, but not `ERROR: order 17`."""
_COLORS = re.compile(r"\x1b\[[0-9;]{0,20}m")
_LANGUAGES = {"webjs": "nodejs", "javascript": "nodejs", "typescript": "nodejs", "csharp": "dotnet"}


def parse(
    text: str,
    *,
    type: str = "",
    message: str = "",
    language: str = "",
    in_app: Sequence[str] = (),
    not_in_app: Sequence[str] = (),
) -> StackTrace:
    """Parse a stack trace; whatever the text is, nothing is raised, in linear time.

    Args:
        text: OpenTelemetry's `exception.stacktrace`; "" when there is none.
        type: `exception.type`; trusted over the text for the reported exception.
        message: `exception.message`; likewise.
        language: `telemetry.sdk.language`; tried first.
        in_app: prefixes of modules or paths that are the app's own code.
        not_in_app: prefixes of those that are not.
    """
    cut: list[str] = []
    if len(text) > MOST_CHARACTERS:
        cut.append(f"{len(text) - MOST_CHARACTERS} of {len(text)} characters are left out")
    kept = text[:MOST_CHARACTERS]
    found, draft = _read(_shortened(kept, cut), language)
    if draft is None:
        draft = _without_frames(kept.strip(), type, message)
    _trust(draft, type, message)
    raised, left_out = raised_of(draft)
    owners = Owners(tuple(in_app), tuple(not_in_app))
    owned = tuple(
        replace(one, frames=_owned(one.frames, found, owners)) if one.frames else one
        for one in raised
    )
    cut += left_out
    if draft.is_whole and not cut:
        return StackTrace(owned, found, "")
    said = "".join(f"\n[otel-fmd: {words}]" for words in cut)
    return StackTrace(owned, found, kept + said)


def _shortened(text: str, cut: list[str]) -> str:
    """A text without its longest lines' ends, so that reading it takes linear time."""
    if "\x1b" in text:
        text = _COLORS.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        cut.append(f"{len(lines) - MOST_LINES} of {len(lines)} lines are left out")
        lines = lines[:MOST_LINES]
    if len(text) > LONGEST_LINE and any(len(line) > LONGEST_LINE for line in lines):
        cut.append(f"of lines, what follows {LONGEST_LINE} characters is left out")
        lines = [line[:LONGEST_LINE] for line in lines]
    return "\n".join(lines) if cut else text


def _read(text: str, language: str) -> tuple[str, Draft | None]:
    """The language of a text and what it says; the named one is tried first."""
    name = _LANGUAGES.get(language, language)
    if not text.strip():
        return name, None
    ordered = sorted(_FORMATS, key=lambda one: one[0] != name) if name else _FORMATS
    partly: tuple[str, Draft] | None = None
    for known, module in ordered:
        draft: Draft | None = module.read(text) if module.looks(text) else None
        if draft is not None and draft.is_whole:
            return known, draft
        if draft is not None and partly is None:
            partly = known, draft
    return partly or (name, None)


def _without_frames(text: str, type: str, message: str) -> Draft:
    """An exception of a text that is no trace we know: what its first line says."""
    is_whole = text in ("", message.strip(), f"{type}: {message}".strip())
    if type or message or not text:
        return Draft(is_whole=is_whole)
    first = text.partition("\n")[0]
    found = _TYPED.fullmatch(first)
    draft = Draft(found[1], found[2]) if found else Draft("", first)
    draft.is_whole = first == text
    return draft


def _trust(draft: Draft, type: str, message: str) -> None:
    """Take type and message of the reported exception from the span; what is more are notes."""
    # A log record of Python's logging has the type without the module that the text has.
    if type and not draft.type.endswith(f".{type}"):
        draft.type = type
    if message:
        if draft.message.startswith(f"{message}\n"):
            rest = draft.message[len(message) + 1 :]
            draft.notes.extend(line for line in rest.split("\n") if line.strip())
        draft.message = message


def _owned(frames: Sequence[Frame], language: str, owners: Owners) -> tuple[Frame, ...]:
    """The frames, each marked whether it is the app's own code."""
    made = []
    for frame in frames:
        own = (
            frame.in_app
            and is_own(frame.file, frame.module, language, owners)
            and not (language == "python" and is_wrapper(frame))
        )
        if own != frame.in_app:
            frame = Frame(frame.file, frame.function, frame.line, frame.code, frame.module, own)
        made.append(frame)
    return tuple(made)
