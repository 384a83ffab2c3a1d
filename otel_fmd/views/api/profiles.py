"""Profiles: of one request, and merged over the requests of an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from otel_fmd.analysis.stacks import Frame, Line
from otel_fmd.queries import profiles as queries
from otel_fmd.queries.profiles import GroupedProfile
from otel_fmd.views.look import Look
from otel_fmd.views.profiles import Profiles


@dataclass(slots=True)
class ProfileLine:
    """A line of a profile; lines that it calls follow it, one level deeper.

    Args:
        file: the path of its file.
        line: its number.
        function: the function that it is in.
        code: its text.
        depth: how deep it is in the tree, from 0.
        duration_ms: how long the request was in it and what it calls, in milliseconds.
        cpu_ms: the CPU time thereof; null if not known.
    """

    file: str
    line: int
    function: str
    code: str
    depth: int
    duration_ms: float
    cpu_ms: float | None


@dataclass(slots=True)
class Profile:
    """The profile of one request.

    Args:
        samples: how often its stack was read.
        not_sampled_ms: the time of which no sample was taken, in milliseconds.
        is_cut: whether there were more lines than are kept.
        lines: the lines, in the order of the tree.
    """

    samples: int
    not_sampled_ms: float
    is_cut: bool
    lines: list[ProfileLine]


@dataclass(slots=True)
class ProfiledRequest:
    """A request and its profile.

    Args:
        request_id: the id of the request.
        duration_ms: how long it took, in milliseconds.
        profile: its profile.
    """

    request_id: str
    duration_ms: float
    profile: Profile


@dataclass(slots=True)
class MergedLine:
    """A line of a merged profile; lines that it calls follow it, one level deeper.

    Args:
        file: the path of its file.
        line: its number.
        function: the function that it is in.
        code: its text.
        depth: how deep it is in the tree, from 0.
        requests: how many requests were in it.
        mean_ms: the mean time of these requests in it and what it calls, in milliseconds.
        deviation_ms: the standard deviation of that time.
        total_ms: the time of all of them together.
        total_cpu_ms: the CPU time thereof.
    """

    file: str
    line: int
    function: str
    code: str
    depth: int
    requests: int
    mean_ms: float
    deviation_ms: float
    total_ms: float
    total_cpu_ms: float


@dataclass(slots=True)
class MergedProfile:
    """The profiles of an endpoint, merged into one tree.

    Args:
        profiled: how many requests are in it, the newest ones.
        all_profiled: how many profiled requests there are in the selected time.
        lines: the lines, in the order of the tree.
    """

    profiled: int
    all_profiled: int
    lines: list[MergedLine]


def profile(one: queries.ProfiledRequest) -> Profile:
    """A profile as a record."""
    lines = [
        ProfileLine(
            line.filename,
            line.line_number,
            line.function_name,
            line.code,
            line.indent,
            line.duration_ms,
            line.cpu_ms,
        )
        for line in one.lines
    ]
    return Profile(one.samples, one.not_sampled_ms, one.is_cut, lines)


def profiled_requests(data: Profiles, _look: Look) -> Iterator[ProfiledRequest]:
    """Of a page of profiles."""
    for one in data.found:
        yield ProfiledRequest(str(one.request.id), one.request.duration, profile(one))


def merged(data: GroupedProfile, _look: Look) -> MergedProfile:
    """Of the merged profile."""
    lines = [
        MergedLine(
            one.filename,
            one.line_number,
            one.function_name,
            one.code,
            one.indent,
            one.hits,
            one.mean_ms,
            one.deviation_ms,
            one.total_ms,
            one.total_cpu_ms,
        )
        for one in data.lines
    ]
    return MergedProfile(data.profiled, data.all_profiled, lines)


def merged_tree(data: GroupedProfile) -> Iterator[Line]:
    """The lines of a merged profile for flame graphs."""
    for one in data.lines:
        frame = Frame(one.function_name, one.filename, one.line_number, one.code)
        yield Line(frame, one.indent, one.total_ms, one.total_cpu_ms)


def tree(lines: Iterable[queries.StackLine]) -> Iterator[Line]:
    """The lines of a profile for flame graphs."""
    for one in lines:
        frame = Frame(one.function_name, one.filename, one.line_number, one.code)
        yield Line(frame, one.indent, one.duration_ms, one.cpu_ms or 0.0)
