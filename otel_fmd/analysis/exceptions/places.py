"""Where an exception was raised, as a person would say it: the app's function and its statement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from otel_fmd.analysis.exceptions import names, vocabulary
from otel_fmd.analysis.exceptions.message import start_of
from otel_fmd.analysis.exceptions.ownership import is_wrapper
from otel_fmd.analysis.exceptions.trace import Frame, Raised

_COMPREHENSIONS = frozenset(["<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"])
_OWN_FAULTS = (
    "AttributeError",
    "NameError",
    "TypeError",
    "UnboundLocalError",
    "ReferenceError",
    "NoMethodError",
    "NullPointerException",
    "NullReferenceException",
    "ClassCastException",
    "runtime.Error",
)
"""Types that a mistake of the function itself raises, not what it was asked for."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_OVERFLOWS = (
    "RecursionError",
    "StackOverflowError",
    "SystemStackError",
    "StackOverflowException",
    "InsufficientExecutionStackException",
)
_FEWEST_ROUNDS = 3
_BUNDLE = re.compile(
    r"/(?:_next|chunks?|assets|static/js|bundles?)/|[.-][0-9A-Za-z_]{6,20}\.m?js$|\.min\.js"
)
_SHORT = 2
_AWAITS = re.compile(
    r"^node:internal/(?:process|timers|async_hooks)|^System\.Runtime\.(?:CompilerServices|Exception)"
    r"|^(?:jdk\.internal|java\.lang|sun)\.reflect\.|^jdk\.internal\.reflect"
)
"""What stands between a function and what it awaits or calls by reflection."""
_SYNTAX = ("SyntaxError", "IndentationError", "TabError")


class Place(NamedTuple):
    """Where an exception was raised.

    Attributes:
        frame: that of the app that stands for it; None without any of the app's own.
        function: what is compared: file or class, and function.
        statement: what is compared, too: the failing statement, as far as the text tells it.
        is_of_app: whether the app's own code raised it, not a library that it called.
    """

    frame: Frame | None
    function: tuple[str, ...]
    statement: tuple[str, ...] = ()
    is_of_app: bool = False


def place_of(raised: Raised, language: str) -> Place:
    """The place of an exception; its key is empty without frames."""
    frames = raised.frames
    own = [index for index, frame in enumerate(frames) if frame.in_app]
    if is_overflow(raised):
        return _round(raised, language)
    if not own:
        words = (start_of(raised.message),) if frames else ()
        return Place(None, (*_all(frames, language), *words))
    index = _deciding(raised, own)
    function = _function(frames, index, language)
    statement = _statement(raised, index, language)
    return Place(frames[index], function, statement, own[-1] == len(frames) - 1)


def is_overflow(raised: Raised) -> bool:
    """Whether the stack was too deep."""
    return raised.type.endswith(_OVERFLOWS) or (
        raised.type == "RangeError" and "call stack" in raised.message
    )


def _round(raised: Raised, language: str) -> Place:
    """Of a stack that was too deep, the functions that call each other, wherever it ended."""
    counted: Counter[tuple[str, ...]] = Counter()
    shown: Frame | None = None
    for index, frame in enumerate(raised.frames):
        if frame.in_app:
            function = _function(raised.frames, index, language)
            counted[function] += 1
            if counted[function] >= _FEWEST_ROUNDS and shown is None:
                shown = frame
    repeated = sorted(one for one, count in counted.items() if count >= _FEWEST_ROUNDS)
    if not repeated:
        own = [index for index, frame in enumerate(raised.frames) if frame.in_app]
        if not own:
            return Place(None, _all(raised.frames, language))
        return Place(raised.frames[own[-1]], _function(raised.frames, own[-1], language))
    return Place(shown, tuple(part for one in repeated for part in one))


def _all(frames: Sequence[Frame], language: str) -> tuple[str, ...]:
    """Every function, once for each time in a row, where no frame is the app's own."""
    parts: list[str] = []
    for index in range(len(frames)):
        part = "\0".join(_function(frames, index, language))
        if not parts or parts[-1] != part:
            parts.append(part)
    return tuple(parts)


def _function(frames: Sequence[Frame], index: int, language: str) -> tuple[str, str]:
    frame = frames[index]
    name = frame.function
    if name in _COMPREHENSIONS:
        # Python 3.12 has no frames of comprehensions any more.
        outer = (one for one in reversed(frames[:index]) if one.file == frame.file)
        around = (one.function for one in outer if one.function not in _COMPREHENSIONS)
        name = next(around, name)
    where = names.module_key(frame.module, language) if frame.module else names.file_key(frame.file)
    if language == "nodejs" and len(name) <= _SHORT and _BUNDLE.search(frame.file):
        # A minifier's name, of this build only.
        return where, ""
    if language == "php" and "{closure}" in name:
        name = _around(frames, index).function
    return where, names.function_key(name, language, frame.module)


def _around(frames: Sequence[Frame], index: int) -> Frame:
    """The function of the same class that a closure of PHP stands in: closures have no name."""
    frame = frames[index]
    outer = (one for one in reversed(frames[:index]) if one.in_app)
    return next(
        (one for one in outer if one.module == frame.module and "{closure" not in one.function),
        frame,
    )


def _deciding(raised: Raised, own: list[int]) -> int:
    """The innermost frame of the app's own that does not act for its caller only."""
    for index in reversed(own):
        if not _acts_for_its_caller(raised, index):
            return index
    return own[-1]


def _acts_for_its_caller(raised: Raised, index: int) -> bool:
    """Whether a function raises for its caller, or hands its query or request on."""
    frames = raised.frames
    frame = frames[index]
    callee = frames[index + 1] if index + 1 < len(frames) else None
    name = re.split(r"[.:>#]", frame.function)[-1]
    is_called_by_app = _is_called_by_app(frames, index)
    if (callee is None or callee.in_app) and _is_guard(name, frame):
        return is_called_by_app
    plain = name.replace("_", "").lower()
    if plain not in vocabulary.PASSED_ON or "super(" in frame.code:
        return False
    # A view may be called `get`, too: frameworks call it.
    if plain in vocabulary.HTTP_METHODS and not is_called_by_app:
        return False
    if callee is not None and not callee.in_app:
        called = re.split(r"[.:>#]", callee.function)[-1].replace("_", "").lower()
        return called in vocabulary.PASSED_ON
    if callee is not None:
        return _acts_for_its_caller(raised, index + 1)
    if raised.type.endswith(_OWN_FAULTS) or plain in vocabulary.HTTP_METHODS:
        return False
    # It raises on purpose, or calls what is written in C and has no frame.
    return not frame.code or frame.code.startswith("raise") or f".{name}(" in frame.code


def _is_called_by_app(frames: Sequence[Frame], index: int) -> bool:
    """Whether the app's own code called a function, a decorator in between or not."""
    for caller in reversed(frames[:index]):
        if caller.in_app or not (caller.code and is_wrapper(caller)):
            return caller.in_app
    return False


def _is_guard(name: str, frame: Frame) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    if vocabulary.WEAK_VERBS.issuperset(words):
        # `check(err)` is one in Go; elsewhere it may be what an order is asked to do.
        return frame.file.endswith(".go") and frame.function == name
    return (
        bool(words)
        and not vocabulary.GUARD_VERBS.isdisjoint(words)
        and vocabulary.GUARD_WORDS.issuperset(words)
    )


def _statement(raised: Raised, index: int, language: str) -> tuple[str, ...]:
    """What tells the failing statement from others of its function, wherever its line is now."""
    frames = raised.frames
    frame = frames[index]
    is_last = index == len(frames) - 1
    if raised.type in _SYNTAX and is_last and not frame.function:
        # Of a file that cannot be read there is one mistake at a time; versions disagree where.
        return ()
    called = _called(frames, index)
    if frame.code:
        text, goes_on = names.statement_key(frame.code)
        says = goes_on and (called is None or called.in_app)
        return (text, start_of(raised.message)) if says else (text,)
    if called is None:
        return (start_of(raised.message),)
    name = names.function_key(called.function, language)
    return (name, start_of(raised.message)) if called.in_app else (name,)


def _called(frames: Sequence[Frame], index: int) -> Frame | None:
    """What a frame called, as far as it is told: nothing is where an event loop comes between."""
    for frame in frames[index + 1 :]:
        if _AWAITS.search(frame.file) or _AWAITS.search(frame.module):
            continue
        # Below an event loop of JavaScript stands what it ran, not what the frame called.
        is_loop = frame is not frames[index + 1] and _AWAITS.search(frames[index + 1].file)
        return None if is_loop else frame
    return None
