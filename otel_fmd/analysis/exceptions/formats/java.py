"""Stack traces of the JVM: Java, Kotlin, Scala; causes, suppressed exceptions, elided frames.

Source: https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Throwable.html
"""

from __future__ import annotations

import re

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_FRAME = re.compile(
    # The class loader and the module may stand before the class: `app//java.base@17/java.lang.X.y`.
    r"\s*at (?:[\w.@+-]*/){0,2}(?:([\w$.<>/ {}-]+)\.)?([\w$<>{}:-]+)"
    r"\(([^():]*)(?::([0-9]{1,9}))?\)(?: ?~?\[.*\])?\s*"
)
_MARK = re.compile(
    r"\tat "
    r"|\n +at [\w$./@]+\([\w$ .-]+\.(?:java|kt|scala|groovy|clj)\b"
    r"|\n[ \t]+at [^\n]*\(Native Method\)"
)
_RELATED = re.compile(r"(\s*)(Caused by|Suppressed|Wrapped by): (.*)")
_ELIDED = re.compile(r"\s*\.\.\. (?:[0-9]+ (?:more|common frames omitted)|[0-9]+ frames.*)")
_TYPE = re.compile(r"(?:Exception in thread \".*?\" )?([A-Za-z_$][\w$]*(?:\.[\w$]+)*)(?:: (.*))?")
_CIRCULAR = re.compile(r"\[CIRCULAR REFERENCE: ?(.*?)\]")


def looks(text: str) -> bool:
    """Whether it has frames that name Java files or the classes of the JVM."""
    return _MARK.search(text) is not None


def read(text: str) -> Draft | None:
    """The reported exception, which Java prints first."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.line(line)
    reader.finish()
    top = reader.top
    if top is None or not (top.frames or top.related):
        return None
    top.is_whole = reader.is_whole
    return top


class _Reader:
    """Reads line by line; an exception belongs to the one that is indented like it or less."""

    def __init__(self) -> None:
        self.top: Draft | None = None
        self.open: list[tuple[int, Draft]] = []
        self.is_message = False
        self.is_whole = True

    def line(self, line: str) -> None:
        found = _FRAME.fullmatch(line) if " " in line or "\t" in line else None
        if found and "at " in line and self.open:
            self._frame(found)
            return
        related = _RELATED.fullmatch(line)
        if related and self.open:
            self._related(len(related[1].expandtabs(4)), related[2], related[3])
        elif not self.open:
            self._first(line)
        elif _ELIDED.fullmatch(line):
            self.is_message = False
        elif self.is_message:
            self.open[-1][1].message += f"\n{line}"
        elif line.strip():
            self.is_whole = False

    def finish(self) -> None:
        """Turn frames round: Java prints the innermost first."""
        waiting = [self.top] if self.top else []
        while waiting:
            draft = waiting.pop()
            draft.frames.reverse()
            draft.message = draft.message.rstrip()
            waiting += [one for _, one in draft.related]

    def _first(self, line: str) -> None:
        found = _TYPE.fullmatch(line.strip())
        if found:
            self._open(0, self._draft(found))
            self.top = self.open[-1][1]
        elif line.strip():
            self.is_whole = False

    def _related(self, indent: int, word: str, rest: str) -> None:
        relation = "suppressed" if word == "Suppressed" else "cause"
        circular = _CIRCULAR.search(rest)
        found = _TYPE.fullmatch((circular[1] if circular else rest).strip())
        draft = self._draft(found) if found else Draft(message=rest)
        # A suppressed exception is indented more than its owner, a cause as much.
        least = indent - 1 if relation == "suppressed" else indent
        while len(self.open) > 1 and self.open[-1][0] > least:
            self.open.pop()
        self.open[-1][1].related.append((relation, draft))
        if relation == "cause" and self.open[-1][0] == indent:
            self.open.pop()
        self._open(indent, draft)

    def _open(self, indent: int, draft: Draft) -> None:
        self.open.append((indent, draft))
        self.is_message = True

    def _draft(self, found: re.Match[str]) -> Draft:
        return Draft(found[1], found[2] or "")

    def _frame(self, found: re.Match[str]) -> None:
        module, function, file, line = found.groups(default="")
        self.is_message = False
        known = file if file not in ("Native Method", "Unknown Source", "<generated>") else ""
        module = module.rpartition("/")[2]
        frame = Frame(known, function, int(line) if line else None, "", module)
        self.open[-1][1].frames.append(frame)
