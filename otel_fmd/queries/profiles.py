"""Profiles of an endpoint: one by one, the newest first, and all of them merged."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sqlalchemy import func, select

from otel_fmd.queries.counts import one_of
from otel_fmd.queries.rows import RequestRecord, of_requests, request_by_id
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot

_MOST_GROUPED = 1_000


class StackLine(NamedTuple):
    """A line of a profile, in the order of the tree; durations in milliseconds."""

    filename: str
    line_number: int
    function_name: str
    code: str
    indent: int
    duration_ms: float
    cpu_ms: float | None


class ProfiledRequest(NamedTuple):
    """A request with its profile; `not_sampled_ms` is time of which no sample was taken."""

    request: RequestRecord
    lines: list[StackLine]
    samples: int
    not_sampled_ms: float
    is_cut: bool


class GroupedLine(NamedTuple):
    """A line merged over requests: those that hit it, mean, standard deviation and total in ms."""

    path: tuple[str, ...]
    filename: str
    line_number: int
    function_name: str
    code: str
    indent: int
    hits: int
    mean_ms: float
    deviation_ms: float
    total_ms: float
    total_cpu_ms: float


class GroupedProfile(NamedTuple):
    """The merged tree of the newest `profiled` requests, of `all_profiled` that there are."""

    lines: list[GroupedLine]
    profiled: int
    all_profiled: int


def profile_count(snapshot: Snapshot, endpoint_id: int, selection: Selection | None = None) -> int:
    """How many requests of an endpoint have a profile."""
    profile = snapshot.tables.profile.c
    query = select(func.count(profile.request_id)).where(
        profile.endpoint_id == endpoint_id, *of_requests(snapshot, profile.request_id, selection)
    )
    return int(snapshot.connection.execute(query).scalar_one())


def profiles(
    snapshot: Snapshot,
    endpoint_id: int,
    selection: Selection | None = None,
    *,
    offset: int = 0,
    limit: int = 10,
) -> list[ProfiledRequest]:
    """Profiled requests of an endpoint, the newest first."""
    profile = snapshot.tables.profile
    rows = snapshot.connection.execute(
        select(profile)
        .where(
            profile.c.endpoint_id == endpoint_id,
            *of_requests(snapshot, profile.c.request_id, selection),
        )
        .order_by(profile.c.request_id.desc())
        .offset(offset)
        .limit(limit)
    ).all()
    return _profiles(snapshot, rows)


def profile_of(snapshot: Snapshot, request_id: int) -> ProfiledRequest | None:
    """The profile of a request, when it has one."""
    profile = snapshot.tables.profile
    query = select(profile).where(profile.c.request_id == request_id)
    found = _profiles(snapshot, snapshot.connection.execute(query).all())
    return found[0] if found else None


def grouped_profile(
    snapshot: Snapshot, endpoint_id: int, selection: Selection | None = None
) -> GroupedProfile:
    """The profiles of the newest requests of an endpoint, merged into one tree."""
    profile = snapshot.tables.profile.c
    ids = (
        snapshot.connection.execute(
            select(profile.request_id)
            .where(
                profile.endpoint_id == endpoint_id,
                *of_requests(snapshot, profile.request_id, selection),
            )
            .order_by(profile.request_id.desc())
            .limit(_MOST_GROUPED)
        )
        .scalars()
        .all()
    )
    merged: dict[tuple[str, ...], list[Any]] = {}
    for lines in _lines(snapshot, list(ids)).values():
        above: list[str] = []
        seen: dict[tuple[str, ...], tuple[float, float, StackLine]] = {}
        for line in lines:
            del above[line.indent :]
            above.append(f"{line.filename}:{line.line_number}:{line.code}")
            path = tuple(above)
            wall, cpu, _ = seen.get(path, (0.0, 0.0, line))
            seen[path] = (wall + line.duration_ms, cpu + (line.cpu_ms or 0.0), line)
        for path, (wall, cpu, line) in seen.items():
            slot = merged.setdefault(path, [0, 0.0, 0.0, 0.0, line])
            slot[0] += 1
            slot[1] += wall
            slot[2] += wall * wall
            slot[3] += cpu
    found = [_grouped(path, *slot) for path, slot in merged.items()]
    count = profile_count(snapshot, endpoint_id, selection)
    return GroupedProfile(_as_tree(found), len(ids), count)


def _grouped(
    path: tuple[str, ...], hits: int, total: float, squares: float, cpu: float, line: StackLine
) -> GroupedLine:
    mean = total / hits
    deviation = math.sqrt(max(0.0, squares / hits - mean * mean))
    return GroupedLine(
        path,
        line.filename,
        line.line_number,
        line.function_name,
        line.code,
        len(path) - 1,
        hits,
        mean,
        deviation,
        total,
        cpu,
    )


def _as_tree(lines: list[GroupedLine]) -> list[GroupedLine]:
    """Each line below the one that it belongs to, in the order of the source."""
    children: dict[tuple[str, ...], list[GroupedLine]] = {}
    for line in lines:
        children.setdefault(line.path[:-1], []).append(line)
    ordered: list[GroupedLine] = []

    def add(path: tuple[str, ...]) -> None:
        for line in sorted(children.get(path, []), key=lambda one: (one.filename, one.line_number)):
            ordered.append(line)
            add(line.path)

    add(())
    return ordered


def _profiles(snapshot: Snapshot, rows: Any) -> list[ProfiledRequest]:
    lines = _lines(snapshot, [row.request_id for row in rows])
    found = []
    for row in rows:
        request = request_by_id(snapshot, row.request_id)
        if request is not None:
            found.append(
                ProfiledRequest(
                    request,
                    lines.get(row.request_id, []),
                    row.samples,
                    row.not_sampled or 0.0,
                    bool(row.is_cut),
                )
            )
    return found


def _lines(snapshot: Snapshot, request_ids: list[int]) -> dict[int, list[StackLine]]:
    """The lines of requests; code lines are few, and joined here."""
    line, code = snapshot.tables.stack_line.c, snapshot.tables.code_line
    rows: list[Any] = []
    for start in range(0, len(request_ids), 400):
        part = request_ids[start : start + 400]
        query = select(snapshot.tables.stack_line).where(line.request_id.in_(part))
        rows += snapshot.connection.execute(query.order_by(line.request_id, line.position)).all()
    numbers = sorted({row.code_id for row in rows})
    codes = {
        row.id: row
        for row in snapshot.connection.execute(select(code).where(one_of(code.c.id, numbers)))
    }
    found: dict[int, list[StackLine]] = {}
    for row in rows:
        place = codes[row.code_id]
        found.setdefault(row.request_id, []).append(
            StackLine(
                place.filename,
                place.line_number,
                place.function_name,
                place.code,
                row.indent,
                row.duration,
                row.cpu_duration,
            )
        )
    return found
