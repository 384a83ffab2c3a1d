""".NET's stack traces: inner exceptions, async continuations, aggregates; and Mono's.

Source: https://learn.microsoft.com/dotnet/api/system.exception.tostring
"""

from __future__ import annotations

import re

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_FRAME = re.compile(
    r"\s+at (?:\(wrapper [\w-]+\) )?(?P<name>[^\s(][^(]*?) ?\((?P<arguments>[^():]*)\)"
    r"(?: ?\[0x[0-9a-f]+\])?"
    r"(?: in (?P<file>.*?)(?::line (?P<line>[0-9]{1,9})|:(?P<mono>[0-9]{1,9})))?"
    r"\s*(?:<---)?"
)
_TYPE = re.compile(
    r"([A-Za-z_][\w.+`]*(?:\[.*?\])?)(?: \((?:0x[0-9A-Fa-f]+|[0-9]+)\))?(?:: ([\s\S]*))?"
)
_INNER = " ---> "
_MEMBER = re.compile(r"\s*---> \(Inner Exception #([0-9]+)\) (.*)")
_END_INNER = re.compile(r"\s+--- End of inner exception stack trace ---\s*")
_ASYNC = re.compile(r"\s*--- End of (?:inner )?stack trace from previous location.*---\s*")
_MARK = re.compile(
    r"^[ \t]+at [\w.<>`+\[\]|,$ ]+ ?\([^():\n]*\)(?: ?\[0x| in [^\n]+:line [0-9]|[ \t]*$)",
    re.MULTILINE,
)


def looks(text: str) -> bool:
    """Whether it has frames of .NET, which name no file of Java."""
    return _MARK.search(text) is not None


def read(text: str) -> Draft | None:
    """The reported exception: its head stands first, its frames after those of its causes."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.line(line)
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self.head: list[str] = []
        self.open: list[Draft] = []
        self.top: Draft | None = None
        self.first_member = ""
        self.is_data = False
        self.is_head = True
        self.is_whole = True

    def line(self, line: str) -> None:
        member = _MEMBER.fullmatch(line)
        if member:
            self._open_heads()
            self.first_member = self.first_member or member[1]
            self._start_member(member[2])
        elif _ASYNC.fullmatch(line):
            return
        elif _END_INNER.fullmatch(line):
            self._open_heads()
            if len(self.open) > 1:
                self.open.pop()
        elif found := _FRAME.fullmatch(line):
            self.is_data = False
            self._open_heads()
            if self.open:
                self.open[-1].frames.append(_frame(found))
        elif line.strip() == "Exception data:" or (self.is_data and line.startswith("    ")):
            self.is_data = True
        elif self.is_head or line.startswith(_INNER):
            self.is_head = True
            self.head.append(line)
        elif line.strip().strip("<-"):
            self.is_whole = False

    def finish(self) -> Draft | None:
        top = self.top
        if top is None:
            return None
        if self.first_member == "0":
            # `--->` without a number repeats the first member.
            top.related = [one for one in top.related if one[0] == "member"]
        elif top.type.endswith("AggregateException"):
            # .NET prints the first member there only.
            top.related = [("member", one) for _, one in top.related]
        waiting = [top]
        while waiting:
            draft = waiting.pop()
            draft.frames.reverse()
            waiting += [one for _, one in draft.related]
        top.is_whole = self.is_whole
        return top if top.frames or top.related else None

    def _open_heads(self) -> None:
        """Make exceptions of the heads before the first frame: an outer one, its inner ones."""
        if not self.head:
            self.is_head = False
            return
        text = "\n".join(self.head)
        self.head, self.is_head = [], False
        for part in re.split(r"\s---> ", text):
            draft = _headed(part)
            if self.open:
                self.open[-1].related.append(("cause", draft))
            elif self.top is None:
                self.top = draft
            self.open.append(draft)

    def _start_member(self, head: str) -> None:
        if self.top is None:
            return
        self.open = []
        self.head = []
        for index, part in enumerate(re.split(r"\s---> ", head)):
            draft = _headed(part.removesuffix("<---"))
            if index:
                self.open[-1].related.append(("cause", draft))
            else:
                self.top.related.append(("member", draft))
            self.open.append(draft)
        self.is_head = False


def _headed(text: str) -> Draft:
    text = text.strip().removeprefix("Unhandled exception. ").removeprefix("Unhandled Exception:")
    text = text.strip().removeprefix("[ERROR] FATAL UNHANDLED EXCEPTION: ")
    found = _TYPE.fullmatch(text)
    return Draft(found[1], (found[2] or "").rstrip()) if found else Draft("", text)


def _frame(found: re.Match[str]) -> Frame:
    name = found["name"]
    if name.endswith((".ctor", ".cctor")):
        module, _, function = name.rpartition(".")
        module = module.rstrip(".")
    else:
        module, _, function = name.rpartition(".")
    if function == "MoveNext" or function.startswith("<"):
        # The compiler's state machine or lambda: the method stands in its name.
        outer = re.match(r"(.*?)[.+]<([\w.]+)>d(?:__[0-9]+)?(?:`[0-9]+)?$", module)
        if outer:
            module, function = outer[1], outer[2]
    file = found["file"] or ""
    number = found["line"] or found["mono"]
    if file.startswith("<") or not number or number == "0":
        file, number = "" if file.startswith("<") else file, number if number != "0" else None
    return Frame(file, function, int(number) if number else None, "", module)
