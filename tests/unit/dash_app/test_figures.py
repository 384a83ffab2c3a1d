"""Figures: what is drawn is what was given, with units on every axis."""

from __future__ import annotations

from datetime import date

import pytest

from dash_app.figures.bars import daily_load, status_distribution
from dash_app.figures.boxes import Box, duration_boxes
from dash_app.figures.bubbles import Bubble, who_by_version
from dash_app.figures.heatmap import hourly_load, version_share
from dash_app.figures.style import STATUS_COLORS, Style, color_of, count_text, duration_text
from otel_fmd.analysis.calendar import HourlyLoad
from otel_fmd.analysis.distribution import from_values

STYLE = Style()


def test_hourly_load_draws_the_matrix() -> None:
    """Hours upward, days rightward."""
    matrix = [[hour, hour + 1] for hour in range(24)]
    figure = hourly_load(HourlyLoad([date(2026, 1, 1), date(2026, 1, 2)], matrix), STYLE)
    assert [list(row) for row in figure.data[0].z] == matrix
    assert list(figure.data[0].x) == ["2026-01-01", "2026-01-02"]
    assert "UTC" in figure.layout.xaxis.title.text


def test_daily_load_stacks_endpoints() -> None:
    """One trace per endpoint in its own colour."""
    figure = daily_load([date(2026, 1, 1)], {"a": [3], "b": [4]}, STYLE)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [("a", [3]), ("b", [4])]
    assert figure.layout.barmode == "stack"
    assert figure.data[0].marker.color == color_of("a")


def test_boxes_show_the_quartiles() -> None:
    """The first label at the top; durations in milliseconds."""
    one, other = from_values([1.0, 2, 3, 4, 5]), from_values([10.0, 20, 30])
    assert one is not None
    assert other is not None
    figure = duration_boxes([Box("first", "", one), Box("second", "", other)], STYLE, "endpoint")
    boxes = [trace for trace in figure.data if trace.type == "box"]
    assert [trace.name for trace in boxes] == ["second", "first"]
    assert boxes[1].median[0] == 3
    assert "ms" in figure.layout.xaxis.title.text


def test_status_codes_have_fixed_colours() -> None:
    """Green, orange, red; a missing one is grey."""
    figure = status_distribution({0: 1, 200: 8, 404: 1, 500: 2}, STYLE)
    assert list(figure.data[0].y) == [1, 8, 1, 2]
    assert figure.data[0].marker.color[3] == STATUS_COLORS["5xx"]
    assert next(iter(figure.data[0].x)) == "none"


def test_bubbles_tell_who_and_version() -> None:
    """One per user and version."""
    bubbles = [Bubble("ana", "1", 5, 20.0), Bubble("bob", "2", 1, 40.0)]
    figure = who_by_version(bubbles, ["ana", "bob"], ["1", "2"], STYLE, "user")
    assert list(figure.data[0].marker.size) == [20.0, 40.0]
    assert [list(pair) for pair in figure.data[0].customdata] == [["ana", "1"], ["bob", "2"]]


def test_version_share_is_in_percent() -> None:
    """Columns are versions."""
    figure = version_share(["a"], ["1", "2"], [[100.0, 50.0]], [[10, 5]], STYLE)
    assert [list(row) for row in figure.data[0].z] == [[100.0, 50.0]]
    assert figure.data[0].zmax == 100


@pytest.mark.parametrize(
    ("ms", "text"), [(None, "–"), (0.25, "250 µs"), (12.34, "12.3 ms"), (2500, "2.5 s")]
)
def test_durations_are_words(ms: float | None, text: str) -> None:
    """With the unit that fits."""
    assert duration_text(ms) == text


@pytest.mark.parametrize(("n", "text"), [(950, "950"), (12_345, "12.3k"), (4_500_000, "4.5M")])
def test_counts_are_short(n: int, text: str) -> None:
    """Abbreviated from ten thousand on."""
    assert count_text(n) == text
