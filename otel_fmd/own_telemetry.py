"""What the app's own process adds to its requests: its logs, and what it uses."""

from __future__ import annotations

import logging

from otel_fmd import config
from otel_fmd.agent.log_handler import AppLogHandler
from otel_fmd.agent.process_metrics import ProcessMetrics
from otel_fmd.errors import QueueFullError, ShuttingDownError
from otel_fmd.forks import on_fork
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.job import Job
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.signals.record import Resource

_log = logging.getLogger(__name__)


class OwnTelemetry:
    """Brings logs and process metrics of this process into its pipeline, as the settings say.

    Args:
        settings: the settings in force.
        pipeline: where they go.
        logs: which records are kept.
    """

    def __init__(self, settings: config.Settings, pipeline: Pipeline, logs: LogBatches) -> None:
        self._pipeline = pipeline
        self._resource = Resource({})
        self._process: ProcessMetrics | None = None
        every_s = settings.process_metrics_seconds
        self._job = Job("process-metrics", self._look, every_s) if every_s else None
        self._handler: AppLogHandler | None = None
        if settings.logs:
            self._handler = AppLogHandler(logs.is_wanted, pipeline.offer, lambda: self._resource)
            logging.getLogger().addHandler(self._handler)
        on_fork(self._forget)

    def _forget(self) -> None:
        """A child counts from its own beginning."""
        self._process = None

    def start(self, resource: Resource) -> None:
        """Begin, with the first request of this process; cheap to call with each."""
        self._resource = resource
        if self._job is not None and not self._job.is_started:
            self._job.start()

    def stop(self) -> None:
        """Bring nothing more."""
        if self._handler is not None:
            logging.getLogger().removeHandler(self._handler)
        if self._job is not None:
            self._job.stop(0)

    def _look(self) -> None:
        if self._process is None:
            self._process = ProcessMetrics(self._resource)
        if self._pipeline.last_error:
            return  # the queue is for requests while the database is away
        try:
            self._pipeline.submit(Batch(points=self._process.blocks()))
        except (QueueFullError, ShuttingDownError) as error:
            # The next look has all but the limits between.
            _log.debug("no process metrics this time: %s", error)
