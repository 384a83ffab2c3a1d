"""Writes metrics in the format that a scraper asks for."""

from __future__ import annotations

import gzip
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric

_LEVEL = 5
"""Of compression: 9 takes three times as long, for a few percent."""


class Collector(Protocol):
    """A part of the metrics; it knows them without their values, so that names cannot clash."""

    def describe(self) -> list[Metric]:
        """The metrics, without samples."""

    def collect(self) -> list[Metric]:
        """The metrics, now."""


class Exposed(NamedTuple):
    """The answer to a scrape."""

    body: bytes
    headers: tuple[tuple[str, str], ...]


class Exposition:
    """The metrics of one process: those of its collectors, and of the process itself.

    Args:
        collectors: each with names of its own.

    Raises:
        ValueError: two have the same metric.
    """

    def __init__(self, *collectors: Collector) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        for one in collectors:
            self._registry.register(one)

    def __call__(self, accept: str, accept_encoding: str) -> Exposed:
        """Everything, now.

        Args:
            accept: the header `Accept`: OpenMetrics if it is named, else Prometheus's text format.
            accept_encoding: the header `Accept-Encoding`: gzip if it is named.
        """
        try:
            encode, content_type = choose_encoder(accept)
        except TypeError:
            # What it names as a version is none.
            encode, content_type = choose_encoder("")
        body = encode(self._registry)
        headers = [("Content-Type", content_type), ("Cache-Control", "no-store")]
        if gzip_accepted(accept_encoding):
            body = gzip.compress(body, _LEVEL)
            headers.append(("Content-Encoding", "gzip"))
        return Exposed(body, tuple(headers))
