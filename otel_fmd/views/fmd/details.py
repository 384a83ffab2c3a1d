"""FMD's routes about single requests: outliers and profiles."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from otel_fmd.analysis.colors import color_of
from otel_fmd.queries.fmd_rows import Row, code_lines, outlier_rows, profiled_rows
from otel_fmd.queries.outliers import outlier_count, outlier_loads
from otel_fmd.queries.profiles import profile_count
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.look import Look

MOST_ROWS = 200
"""Most outliers, profiles or exceptions of a page."""
MOST_GROUPED = 1_000
"""Most profiles that are merged, the newest ones."""
_OUTLIER = ("request_url", "request_header", "request_environment", "cpu_percent", "memory")
_REQUEST = ("id", "endpoint_id", "duration", "version_requested", "group_by", "ip", "status_code")


def num_outliers(snapshot: Snapshot, _look: Look, endpoint_id: int) -> int:
    """How many outliers an endpoint has."""
    return outlier_count(snapshot, endpoint_id)


def outlier_graph(snapshot: Snapshot, look: Look, endpoint_id: int) -> list[dict[str, Any]]:
    """CPU load at the newest outliers of an endpoint, a series for each core, the oldest first."""
    loads = [one.cpu_percent for one in reversed(outlier_loads(snapshot, endpoint_id))]
    return [
        {
            "name": f"CPU core {core}",
            "values": [load[core] for load in loads if core < len(load)],
            "color": color_of(str(core), look.settings.colors),
        }
        for core in range(max(map(len, loads), default=0))
    ]


def outlier_table(
    snapshot: Snapshot, look: Look, endpoint_id: int, offset: str, per_page: str
) -> list[dict[str, Any]]:
    """A page of the outliers of an endpoint, the newest first, everything as text."""
    rows = outlier_rows(snapshot, endpoint_id, *_page(offset, per_page))
    return [
        {
            "id": str(outlier["id"]),
            "request_id": str(outlier["request_id"]),
            "stacktrace": str(outlier["stacktrace"]),
            **{name: str(outlier[name]) for name in _OUTLIER},
            "request": _request(look, request),
        }
        for outlier, request in rows
    ]


def num_profiled(snapshot: Snapshot, _look: Look, endpoint_id: int) -> int:
    """How many requests of an endpoint have a profile."""
    return profile_count(snapshot, endpoint_id)


def profiler_table(
    snapshot: Snapshot, look: Look, endpoint_id: int, offset: str, per_page: str
) -> list[dict[str, Any]]:
    """A page of the profiled requests of an endpoint, the newest first, everything as text."""
    rows = profiled_rows(snapshot, endpoint_id, *_page(offset, per_page))
    codes = code_lines(snapshot, {line["code_id"] for _, lines in rows for line in lines})
    found = []
    for request, lines in rows:
        shown = [_stack_line(line, codes) for line in lines if line["code_id"] in codes]
        found.append({**_request(look, request), "stack_lines": shown})
    return found


def grouped_profiler(snapshot: Snapshot, _look: Look, endpoint_id: int) -> list[dict[str, Any]]:
    """The profiles of an endpoint merged into one tree, children in the order of appearance."""
    rows = profiled_rows(snapshot, endpoint_id, 0, MOST_GROUPED)
    codes = code_lines(snapshot, {line["code_id"] for _, lines in rows for line in lines})
    found: dict[tuple[str, ...], list[float]] = {}
    for _, lines in rows:
        for path, duration in _by_path(lines, codes).items():
            found.setdefault(path, []).append(duration)
    return [
        {
            "code": path[-1].partition("\n")[2],
            "indent": len(path) - 1,
            "duration": sum(found[path]),
            "std": _deviation(found[path]),
            "hits": len(found[path]),
            "total_hits": len(rows),
        }
        for path in _as_tree(found)
    ]


def _by_path(lines: list[Any], codes: dict[int, Any]) -> dict[tuple[str, ...], float]:
    """Durations of the lines of one profile, by the line and those that it was called from."""
    above: list[str] = []
    found: dict[tuple[str, ...], float] = {}
    for line in lines:
        code = codes.get(line["code_id"])
        if code is None:
            continue
        del above[line["indent"] :]
        above.append(f"{code['filename']}:{code['line_number']}\n{code['code']}")
        path = tuple(above)
        found[path] = found.get(path, 0.0) + line["duration"]
    return found


def _as_tree(paths: Any) -> list[tuple[str, ...]]:
    """Each path below the one that it belongs to."""
    children: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for path in paths:
        children.setdefault(path[:-1], []).append(path)
    ordered: list[tuple[str, ...]] = []
    waiting = list(reversed(children.get((), [])))
    while waiting:
        path = waiting.pop()
        ordered.append(path)
        waiting += reversed(children.get(path, []))
    return ordered


def _deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _stack_line(line: Row, codes: dict[int, Any]) -> dict[str, Any]:
    names = ("request_id", "code_id", "position", "indent", "duration")
    code = codes[line["code_id"]]
    parts = ("id", "filename", "line_number", "function_name", "code")
    return {
        **{name: str(line[name]) for name in names},
        "code": {name: str(code[name]) for name in parts},
    }


def _request(look: Look, row: Row) -> dict[str, str]:
    time: datetime | None = row["time_requested"]
    local = None if time is None else time.replace(tzinfo=UTC).astimezone(look.zone)
    return {**{name: str(row[name]) for name in _REQUEST}, "time_requested": str(local)}


def _page(offset: str, per_page: str) -> tuple[int, int]:
    """Offset and limit; none of a negative page, as in FMD.

    Raises:
        RequestError: one is no whole number.
    """
    found = []
    for name, text in (("offset", offset), ("per_page", per_page)):
        if not text.removeprefix("-").isdecimal() or len(text) > 18:
            raise RequestError(f"{name} {text[:50]!r}: expected a whole number")
        found.append(int(text))
    return max(0, found[0]), max(0, min(found[1], MOST_ROWS))
