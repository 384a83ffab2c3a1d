"""Ruby's backtraces: `full_message` with causes, and plain lists of places.

Source: https://docs.ruby-lang.org/en/master/Exception.html#method-i-full_message
"""

from __future__ import annotations

import re
from itertools import pairwise

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_PLACE = r"(?P<file>(?:[A-Za-z]:)?[^\s:][^:\n]*|<internal:[^>]*>):(?P<line>[0-9]{1,9})"
_NAME = r":in [`'](?P<function>[^\n]*?)'"
_FRAME = re.compile(rf"\s*(?:from |[0-9]+: from )?{_PLACE}(?:{_NAME})?")
_HEAD = re.compile(rf"{_PLACE}(?:{_NAME})?: (?P<message>.*)")
_TYPED = re.compile(r"(.*) \(([A-Z][\w:]*)\)")
_BARE = re.compile(r"([A-Z][\w:]*) ?(?:\((.*)\)|: (.*))?:?")
_LEVELS = re.compile(r"\s*\.\.\. [0-9]+ levels\.\.\.")
_MARK = re.compile(r"^[ \t]*(?:from )?\S[^\n]*:[0-9]+:in [`'][^\n]*'", re.MULTILINE)


def looks(text: str) -> bool:
    """Whether it has places of Ruby."""
    return _MARK.search(text) is not None


def read(text: str) -> Draft | None:
    """The reported exception, which stands first, and its causes after it."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.line(line)
    chain = reader.finish()
    if not any(one.frames for one in chain):
        return None
    for outer, cause in pairwise(chain):
        outer.related.append(("cause", cause))
        chain[0].is_whole = chain[0].is_whole and cause.is_whole
    for one in chain:
        one.frames = _natives_marked(one.frames)
        one.frames.reverse()
    return chain[0]


class _Reader:
    """Reads line by line: a head, more of its message, its frames; then the next cause."""

    def __init__(self) -> None:
        self.chain: list[Draft] = []
        self.extra: list[str] = []
        self.is_message = True

    def line(self, line: str) -> None:
        """Read the next line."""
        head = _HEAD.fullmatch(line) if ":" in line and not line[:1].isspace() else None
        if head and (head["function"] is not None or ".rb" in head["file"]):
            _close(self.chain, self.extra)
            self.extra = []
            self.chain.append(_headed(head))
            self.is_message = True
            return
        frame = _FRAME.fullmatch(line) if ":" in line else None
        if frame and (frame["function"] is not None or line.lstrip().startswith("from ")):
            if not self.chain:
                self.chain.append(_bare(self.extra))
                self.extra = []
            self.is_message = False
            self.chain[-1].frames.append(_frame(frame))
        elif self.is_message:
            self.extra.append(line)
        elif line.strip() and not _LEVELS.fullmatch(line):
            self.chain[-1].is_whole = False

    def finish(self) -> list[Draft]:
        """The exceptions, the reported one first."""
        _close(self.chain, self.extra)
        return self.chain


def _headed(found: re.Match[str]) -> Draft:
    typed = _TYPED.fullmatch(found["message"])
    text = typed[1] if typed else found["message"]
    return Draft(typed[2] if typed else "", text, [_frame(found)])


def _bare(lines: list[str]) -> Draft:
    """An exception whose type stands above a plain list: `KeyError (key not found):`."""
    text = "\n".join(lines).strip()
    found = _BARE.fullmatch(text)
    return Draft(found[1], (found[2] or found[3] or "").rstrip(":")) if found else Draft("", text)


def _close(chain: list[Draft], extra: list[str]) -> None:
    """Lines between the head and the frames: more of the message, or the source line."""
    if not chain or not extra:
        return
    draft = chain[-1]
    for index, line in enumerate(extra):
        if line.strip() and not line.strip("^ ") and index and draft.frames:
            first = draft.frames[0]
            code = extra[index - 1].strip()
            draft.frames[0] = Frame(first.file, first.function, first.line, code)
            extra = [one for one in extra[: index - 1] if one.strip()]
            break
    more = "\n".join(extra).strip()
    if not draft.type:
        typed = _TYPED.fullmatch(more.rpartition("\n")[2])
        if typed:
            draft.type, more = typed[2], f"{more.rpartition(chr(10))[0]}\n{typed[1]}".strip()
    draft.message = f"{draft.message}\n{more}" if more else draft.message


def _frame(found: re.Match[str]) -> Frame:
    return Frame(found["file"], found["function"] or "", int(found["line"]))


def _natives_marked(frames: list[Frame]) -> list[Frame]:
    """Functions written in C stand at the place that called them: they are not the app's."""
    made = []
    for inner, outer in zip(frames, [*frames[1:], None], strict=True):
        is_native = (
            outer is not None and (inner.file, inner.line) == (outer.file, outer.line)
        ) and inner.function != outer.function
        if is_native:
            made.append(Frame("", inner.function, inner.line, in_app=False))
            if inner.code and outer is not None:
                # The source line belongs to the function that it stands in.
                index = len(made)
                frames[index] = Frame(outer.file, outer.function, outer.line, inner.code)
        else:
            made.append(frames[len(made)])
    return made
