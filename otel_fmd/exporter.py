"""`FmdSpanExporter`: the in-process way from the OpenTelemetry SDK to the database.

`export` never waits for the database and never raises: spans go into a bounded queue, and a thread
stores them, retrying until they are stored. What does not fit is dropped and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import TraceFlags

from otel_fmd import config
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.errors import OtelFmdError
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.endpoint_counts import EndpointCounts
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.exceptions.ungrouped import UngroupedOccurrences
from otel_fmd.ingest.log_batches import LogBatches, LogLimits
from otel_fmd.ingest.names import NameLimits
from otel_fmd.ingest.request_batches import RequestBatches
from otel_fmd.ingest.series import SeriesLimits
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.log_limit import LogLimit
from otel_fmd.own_telemetry import OwnTelemetry
from otel_fmd.pipeline.counters import PipelineCounters
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.pipeline.settings import PipelineSettings
from otel_fmd.requests.ended import request_of
from otel_fmd.requests.translator import Translator
from otel_fmd.rollups.exceptions import ExceptionCompactor
from otel_fmd.signals.record import Resource, Span
from otel_fmd.signals.sdk import spans_of
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_SHUTDOWN_S = 30.0
_APP_FOLDS = 5
"""The monitored app folds this many times less often: readers add pending deltas themselves."""


class FmdSpanExporter(SpanExporter):
    """Stores requests in an FMD database.

    Args:
        database_url: see the setting `database_url`; None takes it from the environment.
        **settings: any other setting of `otel_fmd.config.Settings`.

    Raises:
        ConfigurationError: a setting cannot be used, or the driver is missing. (A database that is
            down is no error: spans wait for it.)
    """

    def __init__(self, database_url: str | None = None, **settings: Any) -> None:
        self._settings = config.load(database_url=database_url, **settings)
        self._store = Store(self._settings.database_url, self._settings.table_prefix)
        self._translator = translator(self._settings)
        logs = LogBatches(log_limits(self._settings), self._translator)
        self._batches = RequestBatches(self._translator, logs)
        self._pipeline = open_pipeline(
            self._store, self._settings, self._batches.of_offered, retry=True
        )
        self._log_limit = LogLimit()
        self._sdk_resource: Any = None
        self._resource = Resource({})
        self._said = False
        self._own = OwnTelemetry(self._settings, self._pipeline, logs)

    @property
    def counters(self) -> PipelineCounters:
        """What happened to spans in this process; `dropped` should stay 0."""
        return self._pipeline.counters

    def take(self, span: ReadableSpan, attributes: dict[str, Any]) -> None:
        """Take one ended span, without a `BatchSpanProcessor` before us; as in it, only if sampled.

        Called by the request's own thread: never waits, never raises.

        Args:
            span: the span.
            attributes: its attributes, which stay as they are.
        """
        try:
            context, resource = span.context, span.resource
            if context is None or not context.trace_flags & TraceFlags.SAMPLED:
                return
            if resource is not self._sdk_resource:
                self._resource = Resource(resource.attributes)
                self._sdk_resource = resource
            self._own.start(self._resource)
            request = request_of(span, context, attributes, self._resource, self._translator)
            if request is None or isinstance(request, Span):
                self.counters.not_kept += 1
            if request is not None:
                self._pipeline.offer(request)
        except Exception:
            self.counters.failed += 1
            if not self._said:
                self._said = True
                _log.exception("a span could not be processed (logged once)")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Queue ended spans; FAILURE when they do not fit or we are shut down."""
        try:
            if spans:
                self._own.start(Resource(spans[0].resource.attributes))
            self._pipeline.submit(self._batches.of_spans(spans_of(spans)))
        except OtelFmdError as error:
            self._dropped(len(spans), error)
            return SpanExportResult.FAILURE
        except Exception:
            # The monitored app comes first: no error of ours may reach it.
            _log.exception("spans could not be processed")
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every queued request is durable; False when that took too long."""
        return self._pipeline.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Store queued requests, within half a minute (five seconds of errors), and stop."""
        dropped = self.counters.dropped
        self._own.stop()
        if not self._pipeline.stop(_SHUTDOWN_S):
            lost = self.counters.dropped - dropped + self._pipeline.waiting
            why = self._pipeline.last_error
            _log.error("%d requests were not stored at shutdown: %s", lost, why)
        self._store.close()

    def _dropped(self, number: int, error: OtelFmdError) -> None:
        self.counters.dropped += number
        if self._log_limit.allows():
            _log.warning("%d spans dropped (%d so far): %s", number, self.counters.dropped, error)


def translator(settings: config.Settings) -> Translator:
    """The translator from spans to requests, as configured."""
    return Translator(settings.internal_roots, settings.rename, Redactor.of(settings))


def log_limits(settings: config.Settings) -> LogLimits:
    """What is kept of logs, as configured."""
    return LogLimits(
        settings.keep_log_severity, settings.max_logs_per_request, settings.max_logs_per_minute
    )


def open_pipeline(
    store: Store,
    settings: config.Settings,
    finish: Callable[[Sequence[Any]], Batch] | None = None,
    *,
    retry: bool,
    counts: EndpointCounts | None = None,
) -> Pipeline:
    """The write side of a store, as the settings say.

    Args:
        store: the database.
        settings: the settings in force.
        finish: see `Pipeline`.
        retry: see `PipelineSettings`.
        counts: see `BatchWriter`.
    """
    rule = OutlierRule(settings.outlier_detection_constant, settings.outlier_min_requests)
    redactor = Redactor.of(settings)
    exceptions = ExceptionRules(settings.max_exception_groups, settings.in_app, settings.not_in_app)

    def open_writer() -> BatchWriter:
        limits = NameLimits(
            settings.max_endpoints,
            settings.max_paths,
            settings.max_services,
            settings.max_versions,
        )
        series = SeriesLimits(settings.max_metrics, settings.max_series)
        level = settings.monitor_level
        return BatchWriter(
            store,
            rule,
            level,
            limits,
            redactor,
            counts,
            exceptions=exceptions,
            series_limits=series,
        )

    own = PipelineSettings(
        queue_rows=settings.queue_requests,
        retry=retry,
        max_callers=settings.max_users,
        fold_every_s=settings.fold_seconds * (_APP_FOLDS if retry else 1),
        quarter_days=settings.keep_metrics_days,
    )
    ungrouped = UngroupedOccurrences(store, redactor, exceptions)
    every_minute = (ExceptionCompactor(store).compact, ungrouped.group_all)
    return Pipeline(store, open_writer, finish, own, every_minute)
