"""Axes of the pictures: few ticks, round, in units that people would say."""

import pytest

from katydid.report.model import Chart, Line, Scale, Style
from katydid.report.render.axes import clock, round_ticks, vertical
from katydid.report.render.svg import draw


@pytest.mark.parametrize("high", [0.003, 0.7, 1, 3, 9.99, 10, 101, 9999, 1e7])
def test_ticks_are_few_round_and_reach_the_top(high):
    ticks = round_ticks(high)
    assert ticks[0] == 0
    assert high <= ticks[-1] <= 2.6 * high
    assert 2 <= len(ticks) <= 7


def test_long_times_have_an_axis_in_seconds():
    axis = vertical(40_000, "ms")
    assert axis.unit == "s"
    assert axis.place(40_000) == pytest.approx(1.0)


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (65, "1:05"), (3665, "1:01:05")])
def test_moments_of_a_run(seconds, text):
    assert clock(seconds) == text


def test_the_unit_across_stands_once_with_the_last_tick():
    line = Line("missed", Style.MAIN, [(10.0, 1.0), (40.0, 2.0)])
    picture = str(draw(Chart("c", "Chart", "A note.", "%", Scale.LINEAR, x_unit="users", lines=[line])))
    assert picture.count("users") == 1
    assert ">40 users</text>" in picture
