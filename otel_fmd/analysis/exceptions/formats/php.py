"""PHP's stack traces: its own, and the Java-like ones of OpenTelemetry for PHP.

Source: https://www.php.net/manual/en/exception.tostring.php
"""

from __future__ import annotations

import re
from itertools import pairwise

from otel_fmd.analysis.exceptions.drafts import Draft
from otel_fmd.analysis.exceptions.formats import java
from otel_fmd.analysis.exceptions.trace import Frame

_HEAD = re.compile(
    r"(?:PHP )?(?:Fatal error:\s+|Warning:\s+)?(?:Uncaught |Next )?"
    r"([A-Za-z_\\][\w\\@./:$-]*?)(?:: ([\s\S]*))? in (\S[^\n]*?)(?::| on line )([0-9]{1,9})"
)
_CALL = re.compile(r"#[0-9]+ (?:(.+?)\(([0-9]{1,9})\)|\[internal function\]|(\{main\})):? ?(.*)")
_TARGET = re.compile(r"(?:(.+?)(?:->|::))?([^(]*)(?:\((.*)\)?)?")
_MARK = re.compile(r"^#[0-9]+ (?:\S.*\([0-9]+\): |\[internal function\]|\{main\})", re.MULTILINE)
_THROWN = re.compile(r"\s*thrown in .* on line [0-9]+")


def looks(text: str) -> bool:
    """Whether it has numbered calls, or Java-like frames of PHP files."""
    return _MARK.search(text) is not None or (".php" in text and "\tat " in text)


def read(text: str) -> Draft | None:
    """The reported exception: PHP prints it last, OpenTelemetry for PHP first."""
    if not _MARK.search(text):
        return _java_like(text)
    chain: list[Draft] = []
    head: list[str] = []
    calls: list[tuple[str, int | None, str]] = []
    place: tuple[str, int | None] = ("", None)
    is_whole = True
    for line in text.split("\n"):
        found = _CALL.fullmatch(line) if line.startswith("#") else None
        if found:
            if not calls:
                draft, place = _headed(head)
                chain.append(draft)
                head = []
            calls.append((found[1] or "", int(found[2]) if found[2] else None, _called(found)))
            continue
        if calls:
            chain[-1].frames = _frames(place, calls)
            calls = []
        if line.strip() and line != "Stack trace:" and not _THROWN.fullmatch(line):
            head.append(line)
    if calls:
        chain[-1].frames = _frames(place, calls)
    if not chain:
        return None
    for inner, outer in pairwise(chain):
        outer.related.append(("cause", inner))
    chain[-1].is_whole = is_whole and not head
    return chain[-1]


def _called(found: re.Match[str]) -> str:
    return found[3] or found[4]


def _headed(lines: list[str]) -> tuple[Draft, tuple[str, int | None]]:
    text = "\n".join(lines).strip()
    found = _HEAD.fullmatch(text)
    if not found:
        return Draft("", text), ("", None)
    return Draft(found[1], found[2] or ""), (found[3], int(found[4]))


def _frames(place: tuple[str, int | None], calls: list[tuple[str, int | None, str]]) -> list[Frame]:
    """The frames, outermost first: each call tells from where the function below was called."""
    made: list[Frame] = []
    file, line = place
    for index, (called_in, called_at, target) in enumerate(calls):
        found = _TARGET.match(target)
        module, function = (found[1] or "", found[2]) if found else ("", target)
        if not module and "\\" in function and "{closure" not in function:
            module, _, function = function.rpartition("\\")
        # A function of PHP itself has no place but that of its call.
        is_native = not file or (index == 0 and (file, line) == (called_in, called_at))
        made.append(
            Frame(
                "" if is_native and index == 0 and file == called_in else file,
                function.strip(),
                line,
                "",
                module.lstrip("\\"),
                in_app=not is_native,
            )
        )
        file, line = called_in, called_at
    made.reverse()
    return made


def _java_like(text: str) -> Draft | None:
    top = java.read(text)
    waiting = [top] if top else []
    while waiting:
        draft = waiting.pop()
        draft.type = draft.type.replace(".", "\\")
        outer = [*draft.frames[-1:], *draft.frames[:-1]]
        draft.frames = [
            _from_java(one, around) for one, around in zip(draft.frames, outer, strict=True)
        ]
        waiting += [one for _, one in draft.related]
    return top


def _from_java(frame: Frame, outer: Frame) -> Frame:
    parts = frame.module.split(".")
    if frame.function.startswith("{closure"):
        # `Acme.Cart.Acme.{closure}`: its class, then its namespace.
        for length in range(len(parts) // 2, 0, -1):
            if parts[:length] == parts[-length:]:
                parts = parts[:-length]
                break
    is_native = not frame.line or (
        not frame.module and (frame.file, frame.line) == (outer.file, outer.line)
    )
    return Frame(
        "" if is_native else frame.file,
        frame.function,
        frame.line,
        "",
        "\\".join(parts),
        in_app=not is_native,
    )
