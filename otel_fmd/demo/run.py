"""Starts the demo's processes: two services, the history, and live traffic."""

from __future__ import annotations

import logging
import os
import random
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import requests

from otel_fmd.demo.traffic import PROFILED, Visit, rhythm, visits
from otel_fmd.errors import OtelFmdError
from otel_fmd.ingest.url_maps import UrlMaps
from otel_fmd.ingest.write import LEVEL_PROFILES
from otel_fmd.job import Job
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_BUSIEST_PER_S = 8.0
_VERSION = "2.0.0"


class Demo:
    """The demo.

    Args:
        endpoint: where it sends OTLP over HTTP, such as `http://127.0.0.1:4318`.
        store: the database behind it, where one endpoint is to be profiled from the start.
    """

    def __init__(self, endpoint: str, store: Store) -> None:
        self._endpoint = endpoint
        self._store = store
        self._processes: list[subprocess.Popen[str]] = []
        self._traffic: Job | None = None

    def start(self) -> None:
        """Start everything; returns when both services answer.

        Raises:
            OtelFmdError: a part of the demo is missing or did not start.
        """
        # Before the shop's agent lists it at the default level, which keeps no profiles.
        UrlMaps(self._store, (), LEVEL_PROFILES, 1).add("shop", _VERSION, [PROFILED])
        stock = self._service("stock", "3.4", {})
        shop = self._service("shop", _VERSION, {"STOCK_URL": stock, "SHOP_VERSION": _VERSION})
        self._processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "otel_fmd.demo.history", self._endpoint], text=True
            )
        )
        session, planned = requests.Session(), visits(random.Random())
        self._traffic = Job("demo-traffic", lambda: _visit(session, shop, next(planned)), 0.0)
        self._traffic.start()

    def stop(self) -> None:
        """End every process."""
        if self._traffic is not None:
            self._traffic.stop(0)
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def _service(self, name: str, version: str, extra: dict[str, str]) -> str:
        """Start an instrumented service; its address."""
        command_path = Path(sys.executable).with_name("opentelemetry-instrument")
        command = str(command_path) if command_path.exists() else shutil.which(command_path.name)
        if command is None:
            raise OtelFmdError("the demo needs more packages: pip install 'otel-fmd[demo]'")
        environment = {
            **os.environ,
            **extra,
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": f"service.version={version}",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_METRIC_EXPORT_INTERVAL": "10000",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "1000",
        }
        process = subprocess.Popen(
            [command, sys.executable, "-m", "otel_fmd.demo.service", name],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise OtelFmdError(f"the demo's service {name!r} did not start")
        return address


def _visit(session: requests.Session, shop: str, planned: Visit) -> float:
    """Send a request to the shop; returns the seconds until the next."""
    now = datetime.now().astimezone()
    rate = _BUSIEST_PER_S * max(0.25, rhythm(now.hour + now.minute / 60, now.weekday()))
    pause_s = random.expovariate(rate)
    try:
        session.request(
            planned.method,
            f"{shop}{planned.path}",
            data=planned.form,
            headers=planned.headers,
            timeout=10,
        )
    except requests.RequestException as error:
        _log.debug("visit failed: %s", error)
        pause_s += 1
    return pause_s
