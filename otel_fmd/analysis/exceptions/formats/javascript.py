"""JavaScript's stacks: of Node and Chrome (V8), of Firefox and Safari.

Sources: https://v8.dev/docs/stack-trace-api and
https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Global_Objects/Error/stack
"""

from __future__ import annotations

import re

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_PLACE = re.compile(r"(.*?)(?::([0-9]{1,9}))?(?::([0-9]{1,9}))?")
_EVAL = re.compile(r"eval at .*?\((.*)\), (.*)")
_GECKO = re.compile(
    r"(?P<function>[^@\n]*)@(?P<place>(?:[a-z-]+:|/|\[native code\]|<).*|[\w./-]+:[0-9]+:[0-9]+)"
)
_TYPE = re.compile(
    r"(?:Uncaught )?(?:\(in promise\) )?([A-Za-z_$][\w$.]*)(?: \[(\w+)\])?(?:: ([\s\S]*))?"
)
_MEMBER = re.compile(r"(\s*)(\[errors\]: \[|\[cause\]: )?(.*)")
_MARK = re.compile(
    r"^[ \t]+at [^\n]*?(?::[0-9]+:[0-9]+\)?|<anonymous>\)?|\(native\)|\(index [0-9]+\))"
    r"(?: \{)?,?[ \t]*$",
    re.MULTILINE,
)
_GECKO_MARK = re.compile(
    r"^[^\n@]*@(?:https?|file|resource|webpack|moz-extension|/|[\w.]+:)[^\n]*:[0-9]+[ \t]*$",
    re.MULTILINE,
)
_CALL = re.compile(r"(?:\)|:[0-9]+|<anonymous>|native)[ {,]*$")
"""How a frame ends: other lines of a message may begin with `at `, too."""
_BARE = re.compile(r"[\w$*/<>. ]+")
_PROPERTY = re.compile(
    r"\s+(?:'[^']*'|\[?[\w$]+\]?): .*|\s*[\]}]+,?|.*\.\.\. [0-9]+ (?:lines matching|more).*"
)


def looks(text: str) -> bool:
    """Whether it has frames of V8, Firefox or Safari."""
    return _MARK.search(text) is not None or _GECKO_MARK.search(text) is not None


def read(text: str) -> Draft | None:
    """The reported error, which stands first."""
    if _MARK.search(text) is None:
        return _read_gecko(text)
    reader = _Reader()
    for line in text.split("\n"):
        reader.line(line)
    top = reader.finish()
    if top is None or not (top.frames or top.related):
        return None
    return top


class _Reader:
    """Reads V8's lines; what is nested (`[cause]`, `[errors]`) is indented."""

    def __init__(self) -> None:
        self.head: list[str] = []
        self.open: list[tuple[int, Draft]] = []
        self.inside: list[int] = []
        self.is_head = True
        self.is_whole = True

    def line(self, line: str) -> None:
        """Read the next line."""
        stripped = line.strip()
        if stripped.startswith("at ") and _CALL.search(stripped):
            self._frame(stripped.rstrip(" {,")[3:])
        elif not self.open:
            self.head.append(line)
        else:
            self._after(line, stripped)

    def finish(self) -> Draft | None:
        """The reported error; V8 prints the innermost frame first."""
        if not self.open:
            return None
        top = self.open[0][1]
        waiting = [top]
        while waiting:
            draft = waiting.pop()
            draft.frames.reverse()
            waiting += [one for _, one in draft.related]
        top.is_whole = self.is_whole
        return top

    def _frame(self, call: str) -> None:
        if not self.open:
            self.open.append((0, _headed(self.head)))
        self.is_head = False
        self.open[-1][1].frames.append(_frame(*_split(call.removeprefix("async "))))

    def _after(self, line: str, stripped: str) -> None:
        """A line below frames: an error within the error, its properties, or nothing we know."""
        indent = len(line) - len(line.lstrip())
        for mark in ("[cause]: ", "Caused by: "):
            if stripped.startswith(mark):
                self._nested(indent, "cause", stripped[len(mark) :])
                return
        if stripped.startswith("[errors]: ["):
            self.inside.append(indent)
            return
        if self.inside and indent > self.inside[-1] and _looks_headed(stripped):
            self._nested(indent, "member", stripped)
        elif not self.is_head and (not stripped or _PROPERTY.fullmatch(line) or stripped == "}"):
            if stripped.startswith("]") and self.inside:
                self.inside.pop()
        elif self.is_head:
            self.open[-1][1].message += f"\n{stripped}"
        elif not stripped.startswith("Node.js v"):
            self.is_whole = False

    def _nested(self, indent: int, relation: str, head: str) -> None:
        while len(self.open) > 1 and self.open[-1][0] >= indent:
            self.open.pop()
        draft = _headed([head.rstrip(" {")])
        self.open[-1][1].related.append((relation, draft))
        self.open.append((indent, draft))
        self.is_head = True


def _looks_headed(line: str) -> bool:
    found = _TYPE.fullmatch(line)
    return found is not None and (found[3] is not None or found[1].endswith(("Error", "Exception")))


def _headed(lines: list[str]) -> Draft:
    """An error by the lines above its frames; Node prints the source line before them."""
    for index, line in enumerate(lines):
        if index and line.strip("^~ ") == "" and "^" in line:
            lines = [one for one in lines[index + 1 :] if one.strip()] or lines
            break
    text = "\n".join(lines).strip()
    found = _TYPE.fullmatch(text)
    if found is None or (found[3] is None and "\n" in text):
        return Draft("", text)
    return Draft(found[1], found[3] or "")


def _split(call: str) -> tuple[str, str]:
    """Function and place of `Cart.total (/app/cart.js:1:2)`, or of a place alone."""
    if not call.endswith(")"):
        return "", call
    depth = 0
    for index in range(len(call) - 1, -1, -1):
        depth += (call[index] == ")") - (call[index] == "(")
        if not depth:
            return call[:index].rstrip(), call[index + 1 : -1]
    return "", call


def _frame(function: str, where: str) -> Frame:
    evaluated = _EVAL.fullmatch(where)
    found = _PLACE.fullmatch(evaluated[1] if evaluated else where)
    file, line = (found[1], found[2]) if found else (where, None)
    if file in ("<anonymous>", "native", "anonymous", "unknown location"):
        return Frame("", function, None, in_app=False)
    if function.startswith(("new Promise", "Promise.")) and not line:
        return Frame("", function, None, in_app=False)
    return Frame(file, function, int(line) if line else None)


def _read_gecko(text: str) -> Draft | None:
    draft = Draft()
    head: list[str] = []
    for line in text.split("\n"):
        found = _GECKO.fullmatch(line.strip())
        if found:
            place = _PLACE.fullmatch(found["place"])
            file, number = (place[1], place[2]) if place else (found["place"], None)
            function = found["function"].removeprefix("async*")
            draft.frames.append(Frame(file, function, int(number) if number else None))
        elif not draft.frames:
            head.append(line)
        elif line.strip() not in ("", "[native code]") and not _BARE.fullmatch(line.strip()):
            draft.is_whole = False
    if not draft.frames:
        return None
    draft.frames.reverse()
    made = _headed(head) if any(one.strip() for one in head) else Draft()
    draft.type, draft.message = made.type, made.message
    return draft
