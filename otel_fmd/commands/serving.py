"""`otel-fmd serve` and `demo`."""

from __future__ import annotations

import argparse
import signal
import threading
from dataclasses import replace
from types import FrameType
from typing import Any

from otel_fmd import config
from otel_fmd.errors import ConfigurationError


def serve(_options: argparse.Namespace, settings: config.Settings) -> int:
    """Run the receiver and the dashboard until SIGTERM or SIGINT."""
    server = _server(settings)
    stopping = _stop_on_signals()
    server.start()
    _announce(server)
    stopping.wait()
    server.stop()
    return 0


def demo(_options: argparse.Namespace, settings: config.Settings) -> int:
    """Run both, with the demo shop under traffic."""
    server = _server(replace(settings, dashboard=True, receiver=True))
    from otel_fmd.demo.run import Demo

    stopping = _stop_on_signals()
    server.start()
    demo = Demo(server.addresses["otlp-http"], server.store)
    try:
        demo.start()
        _announce(server)
        print("The demo first sends 14 days of history; live traffic follows.", flush=True)
        stopping.wait()
    finally:
        demo.stop()
        server.stop()
    return 0


def _server(settings: config.Settings) -> Any:
    try:
        from otel_fmd.serve import Server
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"this command needs {error.name!r}: pip install 'otel-fmd[server]'"
        ) from None
    return Server(settings)


def _announce(server: Any) -> None:
    if server.setup_address:
        print(f"First start: create the first user at {server.setup_address}", flush=True)
    where = " ".join(f"{name}={url}" for name, url in server.addresses.items())
    print(f"ready {where} database={server.store.display_url}", flush=True)


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
