"""Axes of the pictures: few ticks, round, in units that people would say."""

import pytest

from katydid.report.model import Chart, Line, Scale, Style
from katydid.report.render.axes import clock, horizontal, round_ticks, vertical


@pytest.mark.parametrize("high", [0.003, 0.7, 1, 3, 9.99, 10, 101, 9999, 1e7])
def test_ticks_are_few_round_and_reach_the_top(high):
    ticks = round_ticks(high)
    assert ticks[0] == 0
    assert high <= ticks[-1] <= 2.6 * high
    assert 2 <= len(ticks) <= 7


def test_long_times_have_an_axis_in_seconds():
    axis = vertical(40_000, "ms")
    assert axis.title == "s"
    assert axis.place(40_000) == pytest.approx(1.0)


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (65, "1:05"), (3665, "1:01:05")])
def test_moments_of_a_run(seconds, text):
    assert clock(seconds) == text


def across(scale, *xs, **more):
    line = Line("missed", Style.MAIN, [(x, 1.0) for x in xs])
    return horizontal(Chart("c", "Chart", "A note.", "%", scale, lines=[line], **more))


def test_what_is_counted_across_is_the_axis_title():
    axis = across(Scale.LINEAR, 10.0, 40.0, x_unit="users")
    assert axis.title == "users"
    assert sorted(axis.ticks) == [(10.0, "10"), (20.0, "20"), (30.0, "30"), (40.0, "40")]


@pytest.mark.parametrize(("scale", "ends"), [(Scale.LOG, (5.0, 400.0)), (Scale.TAIL, (0.0, 0.99))])
def test_a_logarithmic_axis_says_so(scale, ends):
    assert "logarithmic" in across(scale, *ends, x_unit="users").title


@pytest.mark.parametrize("ends", [(0.0, 9.0), (4.0, 4.0)])
def test_what_has_no_logarithm_or_no_length_is_linear_and_does_not_say_otherwise(ends):
    axis = across(Scale.LOG, *ends, x_unit="users")
    assert axis.title == "users"
    assert 0.0 <= axis.place(ends[1]) <= 1.0


@pytest.mark.parametrize("ends", [(9.0, 20.0), (0.0, 100.0), (0.0, 1.1), (0.0, 0.012), (1000.0, 26_000.0)])
def test_a_tick_stands_where_it_says(ends):
    ticks = across(Scale.LINEAR, *ends).ticks
    assert [float(text.replace(",", "")) for _, text in ticks] == pytest.approx([x for x, _ in ticks])


def test_percentiles_are_marked_to_the_end_of_the_curve():
    assert dict(across(Scale.TAIL, 0.0, 0.5, 0.9, 0.97).ticks)[0.97] == "97 %"


def test_a_run_of_less_than_a_second_has_ticks_too():
    assert [text for _, text in sorted(across(Scale.TIME, 0.0, 0.57).ticks)][1] == "0.1 s"


def test_names_have_places_of_the_same_width():
    axis = across(Scale.NAMES, 1.0, 2.0, x_names=["v1", "v2"], x_unit="version")
    assert [axis.place(1.0), axis.place(2.0)] == [0.25, 0.75]
    assert sorted(axis.ticks) == [(1.0, "v1"), (2.0, "v2")]
