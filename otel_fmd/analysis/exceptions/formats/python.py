"""Python's tracebacks: 3.9 to 3.14, with carets, notes, exception groups and chains.

Source: https://docs.python.org/3/library/traceback.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_FRAME = re.compile(r'\s*File "(.*)", line ([0-9]{1,9})(?:, in (.*))?')
_TYPE = re.compile(r"([^\W\d][\w.<>]*)(?:: (.*)|:)?")
_HEADER = "Traceback (most recent call last):"
_HEADERS = (_HEADER, f"Exception Group {_HEADER}")
_RELATIONS = {
    "The above exception was the direct cause of the following exception:": "cause",
    "During handling of the above exception, another exception occurred:": "context",
}
_MARGIN = re.compile(r"( {2,})(?:\| ?|\+ (?=Exception Group ))(.*)")
_MEMBER = re.compile(r"( {2,})(\+-)?\+-{16} (?:[0-9]+|\.\.\.) -{16}")
_CLOSES = re.compile(r" {2,}\+-{30,}")
_GROUP_NOTES = re.compile(r"(.*? \([0-9]+ sub-exceptions?\))\n(.+)", re.DOTALL)
_REMOTE = ("RemoteTraceback", "_RemoteTraceback")
"""Types whose message quotes the traceback of another process."""


@dataclass(slots=True)
class _Section:
    """The lines of one chain of exceptions, and the members of groups where they stand."""

    level: int
    items: list[str | _Section] = field(default_factory=list)


def looks(text: str) -> bool:
    """Whether it has Python's header or frames."""
    return _HEADER in text or ('File "' in text and ", line " in text)


def read(text: str) -> Draft | None:
    """The reported exception, which Python prints last."""
    lines = text.split("\n")
    is_group = "sub-exception" in text or "Exception Group Traceback" in text
    section = _sections(lines) if is_group else _Section(0, list(lines))
    return _Reader().chain(section)


def _sections(lines: list[str]) -> _Section:
    """The lines without margins, those of each member of a group in a section of its own."""
    stack = [_Section(0)]
    for line in lines:
        member = _MEMBER.fullmatch(line)
        if member:
            # The margin of a top group is at 2, of its members at 4: levels 0 and 1.
            level = len(member[1]) // 2 - (0 if member[2] else 1)
            del stack[max(1, level) :]
            made = _Section(level)
            stack[-1].items.append(made)
            stack.append(made)
            continue
        if _CLOSES.fullmatch(line):
            continue
        margin = _MARGIN.fullmatch(line)
        level = len(margin[1]) // 2 - 1 if margin else 0
        del stack[max(1, level + 1) :]
        stack[-1].items.append(margin[2] if margin else line)
    return stack[0]


def _join_remote(draft: Draft) -> None:
    """Make one of an exception and of the same one as another process raised it."""
    for index, (relation, cause) in enumerate(draft.related):
        if relation == "cause" and cause.type.rpartition(".")[2] == draft.type.rpartition(".")[2]:
            draft.frames += cause.frames
            draft.related[index : index + 1] = cause.related
            return


class _Reader:
    """Reads the lines of a section into a chain."""

    def __init__(self) -> None:
        self.current: Draft | None = None
        self.relation = ""
        self.code: list[str] = []
        self.place: tuple[str, str, int] | None = None
        self.message: list[str] | None = None
        self.is_whole = True
        self.is_remote = False

    def chain(self, section: _Section) -> Draft | None:
        """The last exception of a section, with those before it as causes or contexts."""
        for item in section.items:
            if isinstance(item, _Section):
                self._member(item)
            elif self.message is None:
                self._in_stack(item)
            else:
                self._in_message(item)
        self._finish()
        done = self.current
        if self.is_remote and done is not None:
            _join_remote(done)
        if done is None or (not done.frames and not done.type):
            return None
        done.is_whole = done.is_whole and self.is_whole
        return done

    def _member(self, section: _Section) -> None:
        member = _Reader().chain(section)
        if member is None:
            # `... and 3 more exceptions`
            self.is_whole = False
            return
        if self.current is None:
            self.current = Draft()
        self.is_whole = self.is_whole and member.is_whole
        self.current.related.append(("member", member))

    def _in_stack(self, line: str) -> None:
        if line in _HEADERS:
            self._start()
        elif line.startswith("  File ") and (found := _FRAME.fullmatch(line)):
            if self.current is None:
                self._start()
            self._end_frame()
            self.place = (found[1], found[3] or "", int(found[2]))
        elif line.startswith("    ") and self.place:
            text = line[4:].rstrip()
            if text.strip("^~ "):
                self.code.append(text)
        elif line.startswith("  [Previous line repeated "):
            pass
        elif line[:1].strip() and (self.current or _TYPE.fullmatch(line)):
            if self.current is None:
                self._start()
            self._raised(line)
        elif line.strip():
            self.is_whole = False

    def _raised(self, line: str) -> None:
        self._end_frame()
        found = _TYPE.fullmatch(line)
        current = self.current
        if current is None:
            return
        if found:
            current.type, first = found[1], found[2] or ""
        else:
            first, self.is_whole = line, False
        self.message = [first]

    def _in_message(self, line: str) -> None:
        relation = _RELATIONS.get(line)
        if relation:
            self.relation = relation
        elif line in _HEADERS and (self.relation or self._is_remote() or self._is_preface()):
            self._start()
        elif self.relation and line.strip():
            # An exception without frames follows directly.
            self._start()
            self._in_stack(line)
        elif self.message is not None:
            self.message.append(line)

    def _is_remote(self) -> bool:
        if self.current is None or not self.current.type.endswith(_REMOTE):
            return False
        # What it quotes takes its place.
        self.current = None
        self.message = None
        self.is_remote = True
        return True

    def _is_preface(self) -> bool:
        """Whether what was read as an exception is what a log says before the traceback."""
        if self.current is None or self.current.frames:
            return False
        self.current = None
        self.message = None
        self.is_whole = False
        return True

    def _start(self) -> None:
        self._finish()
        before, self.current = self.current, Draft()
        if before is not None and (before.type or before.frames):
            self.current.related.append((self.relation or "context", before))
        self.relation = ""
        self.message = None

    def _finish(self) -> None:
        self._end_frame()
        if self.current is not None and self.message is not None:
            text = "\n".join(self.message).rstrip()
            group = _GROUP_NOTES.match(text)
            if group and self.current.related:
                text, notes = group[1], group[2]
                self.current.notes.extend(notes.split("\n"))
            self.current.message = text
            self.message = None

    def _end_frame(self) -> None:
        if self.place and self.current is not None:
            code = "\n".join(self.code) if len(self.code) != 1 else self.code[0].strip()
            file, function, line = self.place
            self.current.frames.append(Frame(file, function, line, code.strip()))
        self.place = None
        if self.code:
            self.code = []
