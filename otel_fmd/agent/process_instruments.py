"""CPU, memory and threads of this process as instruments of OpenTelemetry's API.

They are exported if the app has a `MeterProvider`, which is up to its settings; else they cost
nothing. Where `opentelemetry-instrumentation-system-metrics` is installed, it measures the same.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from otel_fmd.agent.process_metrics import memory_bytes

_OTHERS = "opentelemetry.instrumentation.system_metrics"
_observed: weakref.WeakSet[Any] = weakref.WeakSet()
"""Meter providers that have the instruments: a second set would be reported as a mistake."""


def observe_process(provider: metrics.MeterProvider | None = None) -> bool:
    """Have a meter provider, by default the global one, look at this process; whether it does now.

    The process is named by attributes, as resources rarely tell workers apart.
    """
    found: Any = provider or metrics.get_meter_provider()
    try:
        if find_spec(_OTHERS) is not None or found in _observed:
            return False
    except ModuleNotFoundError:
        pass  # not even the package that it would be in
    _observed.add(found)
    meter = found.get_meter("otel_fmd")
    meter.create_observable_counter("process.cpu.time", [_cpu], "s", "CPU time of the process.")
    meter.create_observable_up_down_counter(
        "process.memory.usage", [_memory], "By", "Memory that the process uses."
    )
    meter.create_observable_up_down_counter(
        "process.thread.count", [_threads], "{thread}", "Threads of the process."
    )
    return True


def _process(**attributes: str) -> dict[str, Any]:
    return {"host.name": socket.gethostname(), "process.pid": os.getpid(), **attributes}


def _cpu(_: CallbackOptions) -> Iterable[Observation]:
    used = os.times()
    yield Observation(used.user, _process(**{"cpu.mode": "user"}))
    yield Observation(used.system, _process(**{"cpu.mode": "system"}))


def _memory(_: CallbackOptions) -> Iterable[Observation]:
    found = memory_bytes()
    if found is not None:
        yield Observation(found, _process())


def _threads(_: CallbackOptions) -> Iterable[Observation]:
    yield Observation(threading.active_count(), _process())
