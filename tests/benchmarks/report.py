"""What every benchmark prints and writes: a table, and `build/bench/<name>.json` with its musts."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.requirements import BUILD


@dataclass
class Report:
    """The figures of one benchmark."""

    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    musts: list[dict[str, Any]] = field(default_factory=list)

    def row(self, **cells: Any) -> None:
        """Add a row, and print it."""
        self.rows.append(cells)
        print("  ".join(f"{key} {_shown(value)}" for key, value in cells.items()), flush=True)

    def at_most(self, name: str, value: float, bound: float) -> None:
        """A bound that an issue sets: not more than this."""
        self._must(name, value, value <= bound, at_most=bound)

    def at_least(self, name: str, value: float, bound: float) -> None:
        """A bound that an issue sets: not less than this."""
        self._must(name, value, value >= bound, at_least=bound)

    def _must(self, name: str, value: float, ok: bool, **bound: float) -> None:
        self.musts.append({"name": name, "value": value, **bound, "ok": ok})
        words = ", ".join(f"{key.replace('_', ' ')} {_shown(b)}" for key, b in bound.items())
        print(f"{'ok ' if ok else 'NOT'} {name}: {_shown(value)} ({words})", flush=True)

    def write(self) -> None:
        """Write the JSON."""
        folder = BUILD / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        document = {"machine": machine, "rows": self.rows, "musts": self.musts}
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(document, indent=1))
        print(f"written: build/bench/{path.name}")


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _shown(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
