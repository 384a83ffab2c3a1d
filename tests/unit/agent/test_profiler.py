"""From samples to a tree of lines, within four KiB."""

from __future__ import annotations

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext

from otel_fmd.agent.profiler import SMALLER, Sample, build_profile
from otel_fmd.requests.profile import profile_attributes

MS = 1_000_000


def endpoint() -> None:
    """Stands for a view."""


def other() -> None:
    """Stands for what it calls."""


CODE, OTHER = endpoint.__code__, other.__code__
BUSY, WAIT = ((CODE, 22),), ((CODE, 26),)


def sample(wall_ms: float, cpu_ms: float, path: object) -> Sample:
    """A look."""
    return Sample(int(wall_ms * MS), int(cpu_ms * MS), path)  # type: ignore[arg-type]


def test_computing_and_waiting_are_told_apart() -> None:
    """10 ms busy, then 10 ms asleep, seen every 5 ms."""
    looks = [sample(3, 3, BUSY), sample(8, 8, BUSY), sample(13, 10, WAIT), sample(18, 10, WAIT)]
    found = build_profile(looks, sample(0, 0, None), sample(20, 10, None), CODE, has_cpu=True)
    assert found is not None
    by_line = {line.line_number: line for line in found.lines[1:]}
    assert by_line[22].wall_us == pytest.approx(10_000, abs=300)
    assert by_line[22].cpu_us == pytest.approx(10_000, abs=300)
    assert by_line[26].cpu_us == pytest.approx(0, abs=100)
    assert found.lines[0].wall_us == 20_000
    assert found.samples == 4


def test_computing_that_no_sample_saw_is_not_charged_to_a_line_that_waits() -> None:
    """It is "not sampled"."""
    looks = [sample(13, 10, WAIT), sample(18, 10, WAIT)]
    found = build_profile(looks, sample(0, 0, None), sample(20, 10, None), CODE, has_cpu=True)
    assert found is not None
    assert found.not_sampled_us == 10_000
    assert found.lines[1].wall_us == 10_000


def test_without_a_cpu_clock_there_is_time_only() -> None:
    """As on systems other than Linux."""
    looks = [sample(3, 0, BUSY), sample(8, 0, BUSY)]
    found = build_profile(looks, sample(0, 0, None), sample(10, 0, None), CODE, has_cpu=False)
    assert found is not None
    assert {line.cpu_us for line in found.lines} == {None}


def test_no_sample_in_the_endpoint_is_no_profile() -> None:
    """Nothing is made up."""
    looks = [sample(3, 3, None)]
    assert build_profile(looks, sample(0, 0, None), sample(9, 9, None), CODE, has_cpu=True) is None


def test_a_large_tree_fits_into_four_kib_and_says_what_it_left_out() -> None:
    """The smallest lines become one, and times still add up."""
    looks = []
    for n in range(300):
        path = ((CODE, 20 + n % 3), (OTHER, n), (OTHER, 1000 + n), (OTHER, 2000 + n))
        looks.append(sample(n * 5 + 3, n * 5 + 3, path))
    found = build_profile(looks, sample(0, 0, None), sample(1503, 1503, None), CODE, has_cpu=True)
    assert found is not None
    assert found.is_cut
    assert SMALLER in {line.code for line in found.lines}
    top = [line for line in found.lines if line.indent == 1]
    assert sum(line.wall_us for line in top) == pytest.approx(found.lines[0].wall_us, rel=0.001)
    below = [line.wall_us for line in found.lines if line.indent == 2]
    assert sum(below) == pytest.approx(found.lines[0].wall_us, rel=0.001)
    assert event_bytes(found) <= 4_096


def event_bytes(profile: object) -> int:
    """What the event adds to a span on the wire."""

    def size(*events: Event) -> int:
        span = ReadableSpan(
            "x",
            SpanContext(1, 1, False),
            resource=Resource({}),
            events=events,
            start_time=1,
            end_time=2,
        )
        return len(encode_spans([span]).SerializeToString())

    attributes = profile_attributes(profile)  # type: ignore[arg-type]
    return size(Event("fmd.profile", attributes, 1)) - size()
