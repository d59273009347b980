from __future__ import annotations

import json
import re
from html import unescape

import pytest

from tests.report.fixtures import MALICE
from vicreg_core.report.charts.columns import histogram
from vicreg_core.report.charts.dots import Dot, dot_chart
from vicreg_core.report.charts.lines import Series, line_chart
from vicreg_core.report.charts.points import Point, scatter
from vicreg_core.report.charts.scale import Scale, tick_label


def test_scales_map_their_ends_and_middle():
    linear = Scale(0, 10, 100, 0)
    assert [linear(v) for v in (0, 5, 10)] == [100, 50, 0]
    log = Scale(0.01, 100, 0, 40, log=True)
    assert log(1) == pytest.approx(20)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.1719, 0.3642), (-3, 7), (0, 8192), (2e-5, 9e-5)])
def test_linear_ticks_are_round_few_and_inside(low, high):
    ticks = Scale(low, high, 0, 1).ticks()
    assert 3 <= len(ticks) <= 7
    assert low <= ticks[0] < ticks[-1] <= high
    assert len({tick_label(t) for t in ticks}) == len(ticks)


@pytest.mark.parametrize(("low", "high"), [(1, 1e6), (0.5, 40), (1e-9, 1), (3, 4)])
def test_logarithmic_ticks_are_few_and_inside(low, high):
    ticks = Scale(low, high, 0, 1, log=True).ticks()
    assert 2 <= len(ticks) <= 7
    assert low <= ticks[0] < ticks[-1] <= high


def test_scales_of_one_value_or_none_are_usable():
    for values in ([], [3.0], [0.0], [-2.0, -2.0]):
        scale = Scale.over(values, 0, 1)
        assert scale.low < scale.high


@pytest.mark.parametrize(
    ("value", "label"), [(0, "0"), (1200, "1,200"), (25_000, "25k"), (2.5e-4, "2.5e-4"), (0.05, "0.05")]
)
def test_tick_labels(value, label):
    assert tick_label(value) == label


def test_a_missing_value_interrupts_the_line():
    made = line_chart("Loss", [Series("loss", [1, 2, 3, 4], [1.0, None, 2.0, 3.0])])
    path = re.search(r'<path d="([^"]+)" class="line', made)
    assert path is not None
    assert path.group(1).count("M") == 2


def test_the_axis_turns_logarithmic_when_the_range_is_wide():
    assert "(log)" in line_chart("c", [Series("c", [1, 2], [0.1, 1000.0])], y_label="c")
    assert "(log)" not in line_chart("c", [Series("c", [1, 2], [0.9, 1.0])], y_label="c")
    assert "(log)" not in line_chart("c", [Series("c", [1, 2], [0.0, 1000.0])], y_label="c")


def test_the_script_gets_the_values_back():
    made = line_chart("Loss", [Series("a", [1, 2], [1.0, 2.0]), Series("b", [1, 2], [3.0, None])])
    found = re.search(r'data-chart="([^"]+)"', made)
    assert found is not None
    lines = json.loads(unescape(found.group(1)))["lines"]
    assert [line["x"] for line in lines] == [[1, 2], None]
    assert [line["y"] for line in lines] == [[1.0, 2.0], [3.0, None]]


def test_names_in_charts_are_escaped():
    made = line_chart(MALICE, [Series(MALICE, [1], [1.0]), Series("b", [1], [2.0])])
    made += dot_chart(MALICE, [(MALICE, [Dot(MALICE, 0.5, (0.4, 0.6), "50", True)])], axis=MALICE)
    made += histogram(MALICE, [1, 2], [0.0, 1.0, 2.0], x_label=MALICE, y_label="")
    assert "<script" not in made
    assert "<img" not in made


def test_an_interval_lies_around_its_dot():
    made = dot_chart("t", [("knn", [Dot("this", 0.8, (0.7, 0.9), "80 %", True)])], axis="accuracy")
    whisker = re.search(r'<line x1="([\d.]+)" x2="([\d.]+)"[^>]*class="interval"', made)
    dot = re.search(r'<circle cx="([\d.]+)"', made)
    assert whisker is not None
    assert dot is not None
    assert float(whisker.group(1)) < float(dot.group(1)) < float(whisker.group(2))


def test_a_chart_without_values_is_still_a_chart():
    assert "no values" in line_chart("Loss", [Series("loss", [1], [None])])


def test_points_are_shaded_crossed_and_ringed():
    points = [
        Point(1.0, 10.0, 0.0, "pale"),
        Point(10.0, 1.0, 1.0, "chosen <b>", ringed=True),
        Point(3.0, 3.0, 0.0, "collapsed", crossed=True),
    ]
    drawn = scatter("Weights", points, x_label="invariance", y_label="variance", log=True)
    assert drawn.count("<circle") == 3  # two points and a ring
    assert 'opacity="0.25"' in drawn
    assert 'opacity="1.00"' in drawn
    assert "<title>chosen &lt;b&gt;</title>" in drawn
    assert drawn.count('class="line s1"') == 1
    alone = scatter("One", [Point(2.0, 0.0, 1.0, "it")], x_label="x", y_label="y")
    assert "nan" not in alone
