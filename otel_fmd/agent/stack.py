"""Stacks as lines: of a thread, of a waiting coroutine, and as text."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import CodeType, CoroutineType, FrameType
from typing import Any

Line = tuple[CodeType, int]
Path = tuple[Line, ...]
"""Lines from the endpoint down."""

_FRAMEWORK = (
    "/flask/",
    "/werkzeug/",
    "/opentelemetry/",
    "/asgiref/",
    "/wrapt/",
    "/otel_fmd/agent/",
)
_DEEPEST = 100
_BRIDGE = "AsyncToSync.__call__"
_CO_COROUTINE = 0x80


RawStack = list[Any]
"""Code and instruction of each frame, alternating, innermost first: fast to build, and only one
object for the garbage collector."""


def stack_of(frame: FrameType | None, code: CodeType) -> RawStack | None:
    """A stack down to the endpoint's code; None if that is not in it."""
    found: RawStack = []
    depth = 0
    while frame is not None and depth < _DEEPEST:
        own = frame.f_code
        found.append(own)
        found.append(frame.f_lasti)
        if own is code:
            return found
        frame = frame.f_back
        depth += 1
    return None


def whole_stack(frame: FrameType | None) -> RawStack:
    """All of a stack."""
    found: RawStack = []
    while frame is not None and len(found) < 2 * _DEEPEST:
        found += (frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return found


def lines_of(raw: RawStack) -> Path:
    """The lines of a stack, the outermost first."""
    pairs = zip(raw[::2], raw[1::2], strict=True)
    return tuple(reversed([(code, _line_of(code, place)) for code, place in pairs]))


@lru_cache(maxsize=8192)
def _line_of(code: CodeType, place: int) -> int:
    """The line of an instruction."""
    for start, end, line in code.co_lines():
        if start <= place < end and line is not None:
            return line
    return code.co_firstlineno


def without_framework(lines: Iterable[Line]) -> Path:
    """The lines without those of Flask, OpenTelemetry and ourselves."""
    return tuple(line for line in lines if not _is_framework(line[0]))


def stack_text(lines: Iterable[Line]) -> str:
    """In FMD's words: `File: "shop.py", line 7, in "item": "return load(i)"`."""
    return "\n".join(
        f'File: "{code.co_filename}", line {number}, in "{code.co_name}": '
        f'"{linecache.getline(code.co_filename, number).strip()}"'
        for code, number in lines
    )


def is_async(code: CodeType) -> bool:
    """Whether it is the code of an `async def`."""
    return bool(code.co_flags & _CO_COROUTINE)


class AsyncView:
    """Finds the lines of an async view, which Flask runs in an event loop in another thread.

    asgiref's bridge waits in the request's thread, and its frame knows the coroutine. While that
    waits, its lines are those of the chain of what it awaits.
    """

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._awaitable: CoroutineType[Any, Any, Any] | None = None
        self.native_id: int | None = None
        self._ident = 0

    def stack(self, frame: FrameType | None, frames: Mapping[int, FrameType]) -> RawStack | None:
        """The stack down to the view; None while it is not known.

        Args:
            frame: the frame of the request's thread.
            frames: the frames of all threads.
        """
        if self._awaitable is None or self.native_id is None:
            self._find(frame)
        running = stack_of(frames.get(self._ident), self._code)
        return running or self._waiting()

    def _find(self, frame: FrameType | None) -> None:
        while frame is not None and frame.f_code.co_qualname != _BRIDGE:
            frame = frame.f_back
        if frame is None:
            return
        values = frame.f_locals
        found = values.get("awaitable")
        if isinstance(found, CoroutineType):
            self._awaitable = found
        for thread in tuple(getattr(values.get("loop_executor"), "_threads", ())):
            self._ident, self.native_id = thread.ident or 0, thread.native_id

    def _waiting(self) -> RawStack | None:
        found: RawStack = []
        one: Any = self._awaitable
        while isinstance(one, CoroutineType) and len(found) < 2 * _DEEPEST:
            if one.cr_frame is not None and (found or one.cr_code is self._code):
                found[:0] = (one.cr_code, one.cr_frame.f_lasti)
            one = one.cr_await
        return found or None


@lru_cache(maxsize=4096)
def _is_framework(code: CodeType) -> bool:
    name = code.co_filename
    return any(part in name for part in _FRAMEWORK) and (
        "site-packages" in name or "/otel_fmd/agent/" in name
    )
