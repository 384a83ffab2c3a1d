"""Go's panics, goroutine dumps, and stacks that OpenTelemetry records with errors.

Source: https://pkg.go.dev/runtime/debug and the runtime's own output.
"""

from __future__ import annotations

import re

from otel_fmd.analysis.exceptions import vocabulary
from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.trace import Frame

_GOROUTINE = re.compile(r"goroutine [0-9]+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[([^\]]*)\]:")
_FUNCTION = re.compile(r"((?:.*/)?[^./]*(?:\.v[0-9]+)?)\.(.+)")
_PLACE = re.compile(r"\s+(\S.*?):([0-9]{1,9})(?: \+0x[0-9a-f]+)?(?: fp=.*)?")
_PANIC = re.compile(
    r"(?:panic|fatal error|fatal|runtime): (.*?)(?: \[recovered(?:, repanicked)?\])?"
)
_RECORDERS = ("go.opentelemetry.io/otel", "github.com/pkg/errors")
_TYPED = re.compile(r"(?:panic: )?([\w./*]+)\((.*)\)|(?:panic: )?&?([\w./]+)\{.*")
_SERVING = re.compile(r"^(?:[0-9/]+ [0-9:]+ )?http: panic serving \S+: ")
_SIGNAL = re.compile(r"\[signal .*\]")
_PKG_ERRORS = re.compile(r"(\S+\.\S+)\n\t(\S+):([0-9]+)")


def looks(text: str) -> bool:
    """Whether it has goroutines, or functions with files of Go below them."""
    return (
        re.search(r"^goroutine [0-9]+ ", text, re.MULTILINE) is not None
        or re.search(r"^\t\S+\.go:[0-9]+", text, re.MULTILINE) is not None
    )


def read(text: str) -> Draft | None:
    """The panic and the stack of its goroutine: the first one."""
    head: list[str] = []
    frames: list[Frame] = []
    function = ""
    goroutines = 0
    is_whole = True
    for line in text.split("\n"):
        if _GOROUTINE.match(line):
            goroutines += 1
            if goroutines > 1 and frames:
                break
        elif line[:1].isspace() and function and (place := _PLACE.fullmatch(line)):
            frames.append(_frame(function, place[1], int(place[2])))
            function = ""
        elif not line.strip() or line.startswith(("exit status", "...")):
            continue
        elif not goroutines and not frames and not _is_call(line):
            head.append(line)
        elif line[:1].isspace():
            is_whole = False
        else:
            function = line
    if not frames:
        return None
    draft = _headed(head)
    draft.is_whole = is_whole
    draft.frames = _without_panic(frames)
    draft.frames.reverse()
    return draft


def _is_call(line: str) -> bool:
    """Whether a line is a function: `main.(*Shop).Total(0xc000)`."""
    name = _without_arguments(line)
    return "." in name and " " not in name and not name.endswith((".", ":"))


def _headed(lines: list[str]) -> Draft:
    """The panic: its first line; later lines are panics that followed it, or the signal."""
    lines = [_SERVING.sub("panic: ", line) for line in lines]
    panics = [line.strip() for line in lines if not _SIGNAL.fullmatch(line.strip())]
    texts = [found[1] for line in panics if (found := _PANIC.fullmatch(line))]
    rest = [line for line in panics if not _PANIC.fullmatch(line)]
    if not texts:
        return Draft("", "\n".join(rest))
    text = "\n".join((texts[0], *(one for one in rest if not one.startswith("goroutine"))))
    if text.startswith("runtime error: "):
        return Draft("runtime.Error", text)
    typed = _TYPED.fullmatch(text)
    if typed and typed[1]:
        return Draft(typed[1], typed[2].strip('"'))
    return Draft("panic", text)


def _frame(call: str, file: str, line: int) -> Frame:
    is_creator = call.startswith("created by ")
    call = call.removeprefix("created by ").partition(" in goroutine ")[0]
    name = _without_arguments(call)
    found = _FUNCTION.fullmatch(name)
    package, function = (found[1], found[2]) if found else ("", name)
    package = package.replace("%2e", ".")
    is_standard = package.partition("/")[0] in vocabulary.GO_STANDARD
    return Frame(file, function, line, "", package, in_app=not (is_standard or is_creator))


def _without_arguments(call: str) -> str:
    """`main.(*Shop).Total` of `main.(*Shop).Total(0xc000, {0x1, 0x2})`."""
    if not call.endswith(")"):
        return call
    depth = 0
    for index in range(len(call) - 1, -1, -1):
        if call[index] == ")":
            depth += 1
        elif call[index] == "(":
            depth -= 1
            if not depth:
                return call[:index] or call
    return call


def _without_panic(frames: list[Frame]) -> list[Frame]:
    """The frames, innermost first, without what the panic itself or its recorder called."""
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        is_panic = frame.module in ("runtime", "") and frame.function in (
            "panic",
            "gopanic",
            "panicmem",
            "sigpanic",
        )
        if is_panic or frame.file.endswith("runtime/panic.go"):
            frames = frames[index + 1 :]
            break
    while frames and (frames[0].module.startswith(("runtime", *_RECORDERS)) and len(frames) > 1):
        frames = frames[1:]
    return frames
