"""Figures: what is drawn is what was given, with units on every axis."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dash_app.figures.bars import daily_load, status_distribution
from dash_app.figures.boxes import duration_boxes
from dash_app.figures.bubbles import callers_by_version
from dash_app.figures.forest import Change, median_changes
from dash_app.figures.heatmap import hourly_load, version_share
from dash_app.figures.icicle import Block, icicle, sunburst
from dash_app.figures.lines import TimeLine, lines_over_time
from dash_app.figures.loads import cpu_load, memory_load
from dash_app.figures.marks import add_marks
from dash_app.figures.style import STATUS_COLORS, Style, labels, plain
from otel_fmd.analysis.calendar import Columns, HourlyLoad, Mark
from otel_fmd.analysis.callers import OTHERS, CallerInVersion, caller_cell, caller_label
from otel_fmd.analysis.distribution import NamedDistribution, from_values
from otel_fmd.analysis.outliers import OutlierLoad
from otel_fmd.analysis.text import count_text, duration_text, visible

STYLE = Style()


def test_hourly_load_draws_the_matrix() -> None:
    """Hours upward, days rightward."""
    matrix = [[hour, hour + 1] for hour in range(24)]
    figure = hourly_load(HourlyLoad(Columns([date(2026, 1, 1), date(2026, 1, 2)]), matrix), STYLE)
    assert [list(row) for row in figure.data[0].z] == matrix
    assert list(figure.data[0].x) == ["2026-01-01", "2026-01-02"]
    assert "UTC" in figure.layout.xaxis.title.text


def test_daily_load_stacks_endpoints() -> None:
    """One trace per endpoint in its own colour."""
    figure = daily_load(Columns([date(2026, 1, 1)]), {"a": [3], "b": [4]}, STYLE)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [("a", [3]), ("b", [4])]
    assert figure.layout.barmode == "stack"
    assert figure.data[0].marker.color == STYLE.color_of("a")


def test_labels_are_short_and_no_two_alike() -> None:
    """Both ends of a long name; a number where these are the same; markup as it stands."""
    names = [f"{'a' * 30}{n}{'z' * 30}" for n in range(3)] + ["<b>x</b> %{y} &lt;", "short"]
    found = labels(names, 20)
    assert set(found) == set(names)
    assert len(set(found.values())) == len(names)
    assert [len(found[name]) for name in names[:3]] == [20] * 3
    assert found[names[0]] == "aaaaaaaaaa…zzzzzzzzz"
    assert found[names[2]] == "aaaaaaaa…zzzzzzz (3)"
    assert found["<b>x</b> %{y} &lt;"] == "&lt;b&gt;x&lt;/b&gt; &#37;{y} &amp;lt;"
    assert found["short"] == "short"


def test_boxes_show_the_quartiles() -> None:
    """The first label at the top; durations in milliseconds."""
    one, other = from_values([1.0, 2, 3, 4, 5]), from_values([10.0, 20, 30])
    assert one is not None
    assert other is not None
    figure = duration_boxes(
        [NamedDistribution("first", "", one), NamedDistribution("second", "", other)],
        STYLE,
        "endpoint",
    )
    boxes = [trace for trace in figure.data if trace.type == "box"]
    assert [trace.name for trace in boxes] == ["second", "first"]
    assert boxes[1].median[0] == 3
    assert "ms" in figure.layout.xaxis.title.text


def test_rows_beyond_the_first_hundred_are_left_to_the_csv() -> None:
    """The axis says so, at the top where it is seen."""
    some = from_values([1.0, 2, 3])
    assert some is not None
    figure = duration_boxes(
        [NamedDistribution(f"e{n}", "", some) for n in range(120)], STYLE, "endpoint"
    )
    assert [trace.name for trace in figure.data if trace.type == "box"][-1] == "e0"
    assert len([trace for trace in figure.data if trace.type == "box"]) == 100
    assert "the first 100 of 120" in figure.layout.xaxis.title.text
    assert figure.layout.xaxis.side == "top"
    few = duration_boxes([NamedDistribution("a", "", some)], STYLE, "endpoint")
    assert "of" not in few.layout.xaxis.title.text


def test_names_stand_above_their_rows_on_a_telephone() -> None:
    """So that the chart has the width of the screen."""
    narrow = Style(narrow=True)
    figure = median_changes([Change("slow", 1.5, 1.2, 1.9, True)], narrow)
    assert [(one.text, one.y) for one in figure.layout.annotations] == [("slow", "slow")]
    assert figure.layout.yaxis.showticklabels is False
    wide = median_changes([Change("slow", 1.5, 1.2, 1.9, True)], STYLE)
    assert not wide.layout.annotations
    assert wide.layout.yaxis.showticklabels


def test_status_codes_have_fixed_colours() -> None:
    """Green, orange, red; a missing one is grey."""
    figure = status_distribution({0: 1, 200: 8, 404: 1, 500: 2}, STYLE)
    assert list(figure.data[0].y) == [1, 8, 1, 2]
    assert figure.data[0].marker.color[3] == STATUS_COLORS["5xx"]
    assert next(iter(figure.data[0].x)) == "none"


def test_bubbles_tell_who_and_version() -> None:
    """One per user and version."""
    bubbles = [CallerInVersion("ana", "1", 5, 20.0), CallerInVersion("bob", "2", 1, 40.0)]
    figure = callers_by_version(bubbles, ["ana", "bob"], ["1", "2"], STYLE, "user")
    assert list(figure.data[0].marker.size) == [20.0, 40.0]
    assert [list(pair) for pair in figure.data[0].customdata] == [
        ["ana", "1", "user"],
        ["bob", "2", "user"],
    ]


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


def test_colours_can_be_chosen_and_are_stable_otherwise() -> None:
    """FMD's COLORS wins over the hash of the name."""
    style = Style(colors={"main": (0, 97, 255)})
    assert style.color_of("main") == "rgb(0, 97, 255)"
    assert style.color_of("other") == Style().color_of("other") != style.color_of("main")


def test_loads_at_outliers() -> None:
    """A box per core; a point per outlier with its memory."""
    when = datetime(2026, 1, 1)
    loads = [OutlierLoad(when, 50.0, [10.0, 90.0], 40.0), OutlierLoad(when, 80.0, [20.0], None)]
    cpu, memory = cpu_load(loads, STYLE), memory_load(loads, STYLE)
    assert [(trace.name, list(trace.y)) for trace in cpu.data] == [
        ("core 0", [10.0, 20.0]),
        ("core 1", [90.0]),
    ]
    assert (list(memory.data[0].x), list(memory.data[0].y)) == ([50.0], [40.0])
    assert "%" in memory.layout.yaxis.title.text


def test_changes_of_medians_are_in_percent() -> None:
    """With their confidence intervals; what may be chance is grey."""
    changes = [Change("slow", 1.5, 1.2, 1.9, True), Change("same", 1.01, 0.9, 1.1, False)]
    figure = median_changes(changes, STYLE)
    assert list(figure.data[0].x) == pytest.approx([1.0, 50.0])
    assert list(figure.data[0].error_x.array) == pytest.approx([9.0, 40.0])
    assert len(set(figure.data[0].marker.color)) == 2


def test_profiles_are_areas() -> None:
    """A line's area is its total; what calls it is its parent."""
    blocks = [
        Block(("a",), "def a", "a.py:1", 10.0, 5.0, 2),
        Block(("a", "b"), "b()", "a.py:2", 6.0, 5.0, 2),
    ]
    for figure in (icicle(blocks, STYLE), sunburst(blocks, STYLE)):
        (trace,) = figure.data
        assert list(trace.values) == [10.0, 6.0]
        assert list(trace.parents) == ["", "a"]
        assert list(trace.marker.colors) == pytest.approx([0.5, 5 / 6])
        assert trace.branchvalues == "total"


def test_days_are_marked_where_the_figure_shows_them() -> None:
    """With what happened, on hover."""
    figure = daily_load(Columns([date(2026, 1, 1), date(2026, 1, 2)]), {"a": [3, 4]}, STYLE)
    marks = [Mark(date(2026, 1, 2), "version 2"), Mark(date(2025, 1, 1), "too early")]
    marked = add_marks(figure, marks, STYLE)
    assert [one.hovertext for one in marked.layout.annotations] == ["version 2"]


@pytest.mark.parametrize("control", ["\u202a", "\u202e", "\u2066", "\u2069"])
def test_direction_controls_are_told(control: str) -> None:
    """A name cannot turn around what stands after it; letters of any script stay as they are."""
    assert visible(f"a{control}b") == f"a⟨U+{ord(control):04X}⟩b"
    assert control not in plain(f"<b>{control}</b>")
    assert visible("שלום عربى é") == "שלום عربى é"


def test_labels_of_nobody_are_nobodys_name() -> None:
    """Whoever is called `(unknown)` is another row; blanks can be seen."""
    names = ["", OTHERS, "(unknown)", "(others)", "None", " ", "  "]
    found = [caller_label(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(label.strip() for label in found)
    assert caller_cell("") == ""


def test_lines_over_time_have_gaps_and_units() -> None:
    """A trace per line, in the viewer's zone; several lines have a legend, one has none."""
    times = [0, 3_600_000_000]
    lines = [TimeLine("7", [1.0, None]), TimeLine("<b>8", [2.0, 3.0])]
    figure = lines_over_time(times, lines, "avg of memory", "By", Style(zone="Asia/Kolkata"))
    assert [list(trace.y) for trace in figure.data] == [[1.0, None], [2.0, 3.0]]
    assert list(figure.data[0].x) == ["1970-01-01 05:30:00", "1970-01-01 06:30:00"]
    assert figure.layout.yaxis.title.text == "avg of memory (bytes)"
    assert figure.layout.xaxis.title.text == "time (Asia/Kolkata)"
    assert figure.data[1].name == "&lt;b&gt;8"
    assert figure.layout.showlegend
    assert not lines_over_time(times, lines[:1], "x", "1", STYLE).layout.showlegend
