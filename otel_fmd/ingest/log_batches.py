"""Which log records are kept: those of a sampled trace, and severe ones, within bounds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from otel_fmd.ingest.batch import Batch
from otel_fmd.requests.exceptions import exceptions_of_records
from otel_fmd.requests.translator import Translator
from otel_fmd.signals.log_record import SEVERITIES, LogRecord

_MOST_TRACES = 20_000
"""Traces whose records are counted at the same time."""
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What is kept of logs.

    Args:
        severity: the least of records that belong to no sampled trace, by its name.
        per_request: records of one trace.
        per_minute: records of one process.
    """

    severity: str = "WARN"
    per_request: int = 1_000
    per_minute: int = 20_000


class LogBatches:
    """Builds batches of log records; may be used from any thread.

    Args:
        limits: what is kept.
        translator: tells the services of exceptions; None: exceptions are not looked for.
    """

    def __init__(
        self, limits: LogLimits | None = None, translator: Translator | None = None
    ) -> None:
        self._translator = translator
        self._limits = limits or LogLimits()
        self._least = SEVERITIES[self._limits.severity]
        self._lock = threading.Lock()
        self._by_trace: OrderedDict[bytes, int] = OrderedDict()
        self._minute = float("-inf")
        self._this_minute = 0

    def of_records(self, records: Sequence[Any]) -> Batch:
        """The records of a body that are kept, all exceptions, and a warning about the rest."""
        wanted = [one for one in records if self.is_wanted(one)]
        kept = self._within(wanted)
        unwanted, above = len(records) - len(wanted), len(wanted) - len(kept)
        exceptions = exceptions_of_records(records, self._translator) if self._translator else ()
        return Batch(
            exceptions=exceptions,
            records=kept,
            counts={"records_not_kept": unwanted, "records_dropped": above},
            warning=self._warning(unwanted, above),
        )

    def is_wanted(self, record: LogRecord) -> bool:
        """Whether a record is kept as far as bounds allow."""
        return record.is_sampled or record.severity >= self._least

    def _within(self, records: Sequence[LogRecord]) -> list[LogRecord]:
        """Those within the bounds."""
        limits, kept = self._limits, []
        with self._lock:
            now = time.monotonic()
            if now - self._minute >= _MINUTE_S:
                self._minute, self._this_minute = now, 0
            for record in records:
                if self._this_minute >= limits.per_minute:
                    break
                if record.trace_id:
                    number = self._by_trace.pop(record.trace_id, 0)
                    self._by_trace[record.trace_id] = number + 1
                    if number >= limits.per_request:
                        continue
                self._this_minute += 1
                kept.append(record)
            while len(self._by_trace) > _MOST_TRACES:
                self._by_trace.popitem(last=False)
        return kept

    def _warning(self, unwanted: int, above: int) -> str:
        words = []
        if unwanted:
            words.append(
                f"{unwanted} log records were not kept: they are below {self._limits.severity} "
                "(OTEL_FMD_KEEP_LOG_SEVERITY) and of no sampled trace"
            )
        if above:
            words.append(
                f"{above} log records were dropped: there were more than "
                f"{self._limits.per_request} of a request (OTEL_FMD_MAX_LOGS_PER_REQUEST) or "
                f"{self._limits.per_minute} in a minute (OTEL_FMD_MAX_LOGS_PER_MINUTE)"
            )
        return "; ".join(words)
