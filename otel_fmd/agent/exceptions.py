"""What our agent knows of an exception beyond its text: the source of the functions on its stack.

Local variables come with it where they are switched on. The stack trace itself is in the standard
span event `exception`; this is added to it, once a minute for each place that raises.
"""

from __future__ import annotations

import linecache
import time
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FrameType, TracebackType
from typing import Any

from otel_fmd.agent.libraries import package_of
from otel_fmd.agent.variables import variables_text
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.requests.exception_secrets import ExceptionSecrets
from otel_fmd.signals import semconv

_MOST_FRAMES = 30
_MOST_LINES = 200
_MOST_CHARACTERS = 32_000
_AGAIN_S = 60.0
_MOST_PLACES = 1_000


class ExceptionDescriber:
    """Describes exceptions for the span events that carry them.

    Args:
        redactor: hides secrets in source and variables.
        keep_variables: whether local variables are kept.
    """

    def __init__(self, redactor: Redactor, keep_variables: bool) -> None:
        self._redactor = redactor
        self._secrets = ExceptionSecrets(redactor)
        self._keep_variables = keep_variables
        self._described: dict[tuple[type, CodeType | None, int], float] = {}

    def attributes(self, error: BaseException) -> dict[str, Any]:
        """The columns of `semconv.FUNCTION_COLUMNS`; empty if they were sent a minute ago."""
        frames = list(_own_frames(error.__traceback__))
        if not frames or not self._is_due(type(error), *frames[-1]):
            return {}
        rows: list[tuple[str, str, int, int, str, str]] = []
        left = _MOST_CHARACTERS
        # The innermost first: it is what is wanted if not all fit.
        for frame, line in reversed(frames[-_MOST_FRAMES:]):
            code = frame.f_code
            source = self._secrets.code(source_of(code), _MOST_CHARACTERS)
            variables = self._variables(frame)
            left -= len(source) + len(variables)
            if left < 0:
                break
            rows.append(
                (code.co_filename, code.co_name, line, code.co_firstlineno, source, variables)
            )
        if not rows:
            return {}
        columns = zip(*reversed(rows), strict=True)
        return dict(zip(semconv.FUNCTION_COLUMNS, map(list, columns), strict=True))

    def _variables(self, frame: FrameType) -> str:
        return variables_text(frame.f_locals, self._redactor) if self._keep_variables else ""

    def _is_due(self, kind: type, frame: FrameType, line: int) -> bool:
        place, now = (kind, frame.f_code, line), time.monotonic()
        last = self._described.get(place)
        if last is not None and now - last < _AGAIN_S:
            return False
        if len(self._described) >= _MOST_PLACES:
            self._described.clear()
        self._described[place] = now
        return True


def _own_frames(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    """The frames of the app's own code, and the innermost in any case, the outermost first."""
    while traceback is not None:
        frame = traceback.tb_frame
        if traceback.tb_next is None or not package_of(frame.f_code.co_filename):
            yield frame, traceback.tb_lineno
        traceback = traceback.tb_next


@lru_cache(maxsize=512)
def source_of(code: CodeType) -> str:
    """The source of a function, as far as its code reaches; '' if it cannot be read."""
    first, last = code.co_firstlineno, _last_line(code)
    lines = linecache.getlines(code.co_filename)[first - 1 : min(last, first + _MOST_LINES)]
    return "".join(lines)


def _last_line(code: CodeType) -> int:
    lines = [line for _, _, line in code.co_lines() if line is not None]
    inner = [_last_line(one) for one in code.co_consts if isinstance(one, CodeType)]
    return max([code.co_firstlineno, *lines, *inner])
