"""A receiver's pages besides OTLP: metrics for Prometheus, health, levels for agents."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from ipaddress import ip_address
from urllib.parse import parse_qsl

from otel_fmd._version import __version__
from otel_fmd.errors import OtelFmdError
from otel_fmd.ingest.url_maps import UrlMaps
from otel_fmd.otlp.http_call import Page, PlainAnswer, PlainRequest
from otel_fmd.otlp.service import Everyone, Senders
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.queries.seeds import endpoint_seeds
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_EXPECTED = 'expected {"service": "NAME", "version": "VERSION", "endpoints": ["NAME", ...]}'


class ReceiverPages:
    """What a receiver answers besides OTLP.

    Args:
        store: the database.
        pipeline: the write side.
        metrics: the page `/metrics`.
        senders: who may send, and so report endpoints and read levels; None: everyone.
        maps: stores the endpoints that agents report; None: no such path.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        metrics: Page,
        senders: Senders | None = None,
        maps: UrlMaps | None = None,
    ) -> None:
        self._maps = maps
        self._store = store
        self._pipeline = pipeline
        self._metrics = metrics
        self._senders = senders or Everyone()

    def by_path(self) -> dict[str, Page]:
        """`/metrics`, `/healthz`, `/readyz`, and the monitor levels for agents."""
        return {
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/v1/agent/levels": self._levels,
        }

    def _levels(self, request: PlainRequest) -> PlainAnswer:
        """Levels and means of a service's endpoints; 304 while the client's are still right."""
        allowed = self._senders.allow(request.headers.get("authorization", ""))
        if not allowed or not (self._senders.need_token or _is_loopback(request.client)):
            return _json(401, {"error": "set OTEL_FMD_OTLP_TOKEN here and in the app"})
        service = dict(parse_qsl(request.query)).get("service", "")
        if not service:
            return _json(400, {"error": "expected ?service=NAME"})
        try:
            seeds = endpoint_seeds(self._store, service)
        except OtelFmdError:
            return _json(503, {"error": "the store cannot be reached"})
        # Means matter to a new process only: an answer is news when a level or a magnitude changed.
        key = sorted((name, s.level, s.count.bit_length()) for name, s in seeds.items())
        etag = f'"{blake2b(repr(key).encode(), digest_size=12).hexdigest()}"'
        headers = (("etag", etag), ("cache-control", "no-cache"))
        if request.headers.get("if-none-match") == etag:
            return PlainAnswer(304, "application/json", b"", headers)
        levels = {name: asdict(seed) for name, seed in seeds.items()}
        return _json(200, {"levels": levels})._replace(headers=headers)

    def posts(self) -> dict[str, Page]:
        """The path at which agents report the endpoints of their apps."""
        maps = self._maps
        if maps is None:
            return {}
        return {"/v1/agent/endpoints": lambda request: self._endpoints(request, maps)}

    def _endpoints(self, request: PlainRequest, maps: UrlMaps) -> PlainAnswer:
        """The endpoints of an app, whether or not they are requested.

        204 once they are known, 503 if they cannot be stored now.
        """
        if not (self._senders.need_token or _is_loopback(request.client)):
            return _json(401, {"error": "set OTEL_FMD_OTLP_TOKEN here and in the app"})
        try:
            sent = json.loads(request.body)
            service, version, names = sent["service"], sent["version"], sent["endpoints"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return _json(400, {"error": _EXPECTED})
        texts = [service, version, *names] if isinstance(names, list) else [None]
        if not all(isinstance(one, str) for one in texts) or not service:
            return _json(400, {"error": _EXPECTED})
        try:
            if maps.add(service, version, names):
                return PlainAnswer(204, "application/json", b"")
        except OtelFmdError:
            _log.debug("endpoints were not stored", exc_info=True)
        return _json(503, {"error": "the store cannot be reached"})

    def _healthz(self, _request: PlainRequest) -> PlainAnswer:
        return _json(200, {"status": "ok", "version": __version__})

    def _readyz(self, _request: PlainRequest) -> PlainAnswer:
        try:
            prepare(self._store)
        except OtelFmdError:
            return _json(503, {"status": "unavailable", "error": "the store cannot be reached"})
        if not self._pipeline.can_store():
            return _json(503, {"status": "unavailable", "error": "the last batch was not stored"})
        return _json(200, {"status": "ready", "waiting": self._pipeline.waiting})


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _json(status: int, value: Mapping[str, object]) -> PlainAnswer:
    return PlainAnswer(status, "application/json", json.dumps(value).encode())
