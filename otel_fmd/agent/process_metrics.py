"""What this process uses: CPU, memory, threads, garbage collections, as points of metrics.

A look takes about 50 microseconds. Names are those of the semantic conventions.
Source: https://opentelemetry.io/docs/specs/semconv/system/process-metrics/ and
https://opentelemetry.io/docs/specs/semconv/runtime/cpython-metrics/
"""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from otel_fmd.signals.metric import Metric, MetricKind, PointBlock
from otel_fmd.signals.record import AttributeValue, Resource

_STATM = "/proc/self/statm"
_Value = tuple[Mapping[str, str], float]


class ProcessMetrics:
    """Looks at one process; made in it, as counters begin there.

    Args:
        resource: of the app; host and process id are added to it.
    """

    def __init__(self, resource: Resource) -> None:
        known = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
        self._resource = Resource({**known, **resource.attributes})
        self._key = json.dumps(dict(self._resource.attributes), default=str).encode()
        self._start_ns = time.time_ns()
        self._before, self._collections_before = _cpu_s(), _collections()

    def blocks(self) -> list[PointBlock]:
        """The points of now."""
        cpu = [({"cpu.mode": mode}, now - self._before[mode]) for mode, now in _cpu_s().items()]
        found = [
            self._block("process.cpu.time", "s", MetricKind.SUM, cpu),
            self._block(
                "process.thread.count",
                "{thread}",
                MetricKind.UP_DOWN,
                [({}, float(threading.active_count()))],
            ),
            self._block(
                "cpython.gc.collections",
                "{collection}",
                MetricKind.SUM,
                [
                    ({"cpython.gc.generation": str(number)}, float(now - before))
                    for number, (now, before) in enumerate(
                        zip(_collections(), self._collections_before, strict=True)
                    )
                ],
            ),
        ]
        memory = memory_bytes()
        if memory is not None:
            used: list[_Value] = [({}, float(memory))]
            found.append(self._block("process.memory.usage", "By", MetricKind.UP_DOWN, used))
        return found

    def _block(self, name: str, unit: str, kind: int, values: Iterable[_Value]) -> PointBlock:
        metric = Metric(self._resource, name, unit, "", kind, is_cumulative=True)
        block = PointBlock(metric, name.encode() + b"\x00" + self._key, _attributes)
        for attributes, value in values:
            block.keys.append(json.dumps(attributes).encode())
            block.starts_ns.append(self._start_ns)
            block.times_ns.append(time.time_ns())
            block.values.append(value)
        return block


def _attributes(key: bytes) -> dict[str, AttributeValue]:
    found: dict[str, Any] = json.loads(key)
    return found


def _cpu_s() -> dict[str, float]:
    used = os.times()
    return {"user": round(used.user, 2), "system": round(used.system, 2)}


def _collections() -> list[int]:
    return [one["collections"] for one in gc.get_stats()]


def memory_bytes() -> int | None:
    """Memory that this process uses; None where neither Linux nor psutil tells."""
    try:
        with open(_STATM, "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.Process().memory_info().rss)
