"""Python's `logging` as neutral log records, in the app's own process."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Set
from typing import Any

from opentelemetry import trace

from otel_fmd.signals.log_record import SEVERITIES, LogRecord
from otel_fmd.signals.record import AttributeValue, Resource

_OWN = ("otel_fmd", "opentelemetry", "sqlalchemy", "alembic")
"""Loggers that are left out: storing a record may log one."""
_LEVELS = (
    (logging.CRITICAL, SEVERITIES["FATAL"]),
    (logging.ERROR, SEVERITIES["ERROR"]),
    (logging.WARNING, SEVERITIES["WARN"]),
    (logging.INFO, SEVERITIES["INFO"]),
    (logging.DEBUG, SEVERITIES["DEBUG"]),
    (1, SEVERITIES["TRACE"]),
)
_STANDARD = frozenset(
    [*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"]
)
"""Attributes that every record of `logging` has; any others are the app's `extra`."""
_MOST_TRACE = 64 * 1024


class _MadeSource:
    def attributes(self, raw: Any, wanted: Set[str] | None) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = raw[1]
        return found if wanted is None else {k: v for k, v in found.items() if k in wanted}

    def body(self, raw: Any) -> AttributeValue:
        return raw[0]


_SOURCE = _MadeSource()


class AppLogHandler(logging.Handler):
    """Offers what the app logs; never waits, never raises.

    Args:
        is_wanted: whether a record would be kept; others are not even formatted further.
        offer: takes a record.
        resource: the resource of the app, asked for with each record.
    """

    def __init__(
        self,
        is_wanted: Callable[[LogRecord], bool],
        offer: Callable[[LogRecord], None],
        resource: Callable[[], Resource],
    ) -> None:
        super().__init__()
        self._is_wanted = is_wanted
        self._offer = offer
        self._resource = resource

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record, in the thread that logs it."""
        if record.name.partition(".")[0] in _OWN:
            return
        try:
            context = trace.get_current_span().get_span_context()
            found = LogRecord(
                int(record.created * 1e9),
                severity_of(record.levelno),
                record.levelname,
                "",
                context.trace_id.to_bytes(16, "big") if context.is_valid else b"",
                context.span_id.to_bytes(8, "big") if context.is_valid else b"",
                context.is_valid and bool(context.trace_flags & trace.TraceFlags.SAMPLED),
                self._resource(),
                record.name,
                ("", {}),
                _SOURCE,
            )
            if self._is_wanted(found):
                # What the app may change after the call is read now.
                self._offer(found._replace(raw=(record.getMessage(), attributes_of(record))))
        except Exception:
            self.handleError(record)


def severity_of(level: int) -> int:
    """The severity number of a level of `logging`; 0 for NOTSET.

    Source: https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/
    """
    return next((number for least, number in _LEVELS if level >= least), 0)


def attributes_of(record: logging.LogRecord) -> dict[str, AttributeValue]:
    """Where it was logged, the app's `extra`, and its exception.

    Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/
    """
    found: dict[str, AttributeValue] = {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName or "",
        "code.line.number": record.lineno,
    }
    for name, value in vars(record).items():
        if name not in _STANDARD:
            found[name] = value if isinstance(value, str | bool | int | float) else repr(value)
    if record.exc_info and record.exc_info[0] is not None:
        kind, error, where = record.exc_info
        found["exception.type"] = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        found["exception.message"] = str(error)
        text = "".join(traceback.format_exception(kind, error, where))
        found["exception.stacktrace"] = text[-_MOST_TRACE:]
    return found
