"""Pictures: no text over text or cut off, nothing left out of sight, one encoding for all."""

import itertools
import math
import re

import pytest

from chartpages import LONG, every_chart
from katydid.report.model import Bars, Chart, Line, Scale, Style
from katydid.report.render.labels import NARROW, WIDE, shortened, text_width
from katydid.report.render.plot import WIDTH, Plot
from katydid.report.render.svg import draw, plot_of

NAN = math.nan


def chart(*lines, **more):
    return Chart("c", "Chart", "A note.", "ms", lines=lines, **more)


def line(*points, **more):
    return Line("line", Style.MAIN, points, **more)


def drawn(picture):
    return str(draw(picture))


def paths(text, kind):
    return re.findall(rf'<path class="{kind}[^"]*" data-of="\d+" d="([^"]*)"', text)


def labels(picture):
    return plot_of(picture).labels


@pytest.fixture(scope="module")
def pictures():
    return list(every_chart())


# Texts


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_no_text_stands_over_another_or_beyond_the_picture(pictures, size):
    for kind, picture in pictures:
        plot = plot_of(picture)
        boxes = [(label.text, label.box(size)) for label in plot.labels.shown(size)]
        assert boxes, kind
        for text, box in boxes:
            assert -1 <= box.left < box.right <= WIDTH + 1, (kind, picture.key, text)
            assert -1 <= box.top < box.bottom <= plot.height + 1, (kind, picture.key, text)
        for (text, box), (other, its) in itertools.combinations(boxes, 2):
            assert not box.meets(its, 0.0), (kind, picture.key, text, other)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_every_axis_keeps_two_ticks_at_least_and_its_unit(pictures, size):
    for kind, picture in pictures:
        shown = labels(picture).shown(size)
        across = [label for label in shown if "across" in label.kind]
        assert len(across) >= 2, (kind, picture.key, size)
        if picture.rows is None and picture.unit:
            assert any(label.kind == "unit" for label in shown), (kind, picture.key)


def test_a_long_name_is_shortened_in_its_middle_and_whole_under_the_pointer():
    short = shortened(LONG, 200.0)
    assert text_width(short, NARROW) <= 200.0
    assert LONG.startswith(short.partition("…")[0])
    assert LONG.endswith(short.partition("…")[2])
    text = drawn(chart(line((1.0, 5.0), (2.0, 6.0)), scale=Scale.NAMES, x_names=["v1", LONG]))
    assert f"<title>{LONG}\n" in text


def test_versions_stand_along_a_history(pictures):
    history = next(picture for kind, picture in pictures if kind == "history")
    shown = [label.text for label in labels(history).shown(WIDE) if "across" in label.kind]
    assert shown[0] == "v1.13.0-rc13", "the newest first of all"
    assert len(shown) >= 4


# Lines


def test_a_point_without_neighbours_has_a_dot_and_others_have_none():
    text = drawn(chart(line((0.5, 1.0), (1.5, NAN), (2.5, 2.0), (3.5, 3.0))))
    (dots,) = paths(text, "dots main")
    assert dots.count("h0") == 1
    assert paths(drawn(chart(line((0.5, 1.0), (1.5, 2.0)))), "dots") == []


def test_a_line_of_one_point_is_seen():
    (dots,) = paths(drawn(chart(line((0.5, 1.0)))), "dots")
    assert dots.count("h0") == 1


def test_what_was_measured_point_by_point_has_a_dot_for_each():
    (dots,) = paths(drawn(chart(line((1.0, 1.0), (2.0, 2.0), (3.0, 3.0), dots=True), scale=Scale.LINEAR)), "dots")
    assert dots.count("h0") == 3


def test_a_percentile_is_a_dash_and_a_version_a_colour(pictures):
    shown = [(kind, each) for kind, picture in pictures for each in picture.lines]
    percentiles = [(kind, each) for kind, each in shown if each.label.endswith(("p50", "p95"))]
    assert {(each.label[-3:], each.dashed) for _, each in percentiles} == {("p50", False), ("p95", True)}
    assert all(not each.dashed for _, each in shown if not each.label.endswith("p95"))
    compared = {kind: {each.label.split()[0]: each.style for k, each in shown if k == kind} for kind in ("comparison",)}
    assert len(set(compared["comparison"].values())) == len(compared["comparison"]) == 2
    assert len({each.style for kind, each in percentiles if kind == "run"}) == 1


def test_the_legend_draws_what_the_picture_does():
    text = drawn(chart(line((0.5, 1.0), (1.5, 2.0)), line((0.5, 1.0), dashed=True)))
    solid, dashed = re.findall(r'<svg class="key".*?</svg>', text)
    assert 'class="line main"' in solid
    assert 'class="line main dashed"' in dashed
    assert "hollow" in dashed


def test_curves_that_lie_on_each_other_are_one_and_the_note_says_so(pictures):
    tails = {kind: picture for kind, picture in pictures if picture.key == "tail"}
    assert [each.label for each in tails["run"].lines] == ["Service time", "Time to first token"]
    assert "Response time equals service time" in tails["run"].note


# Failures


def test_failures_have_an_axis_of_their_own(pictures):
    failures = [bars for kind, picture in pictures if kind == "run" for bars in picture.bars if bars.style is Style.BAD]
    assert failures
    assert all(bars.lane and bars.unit == "/s" for bars in failures)
    rare = Bars("failed", Style.BAD, [0.0, 1.0, 2.0], [0.0, 2.5], lane=True, unit="/s")
    picture = chart(line((0.5, 9000.0), (1.5, 9000.0)), bars=[rare])
    plot = Plot(picture)
    (own,) = (label for label in plot.labels.shown(NARROW) if "lane" in label.kind)
    assert own.text == "2.5 /s"
    (bar,) = re.findall(r'<g class="fill-bad"[^>]*><rect [^>]*y="([\d.]+)"', drawn(picture))
    assert float(bar) >= plot.bottom, "below the milliseconds, not on them"
    assert picture.highest(right=False) == 9000.0


# What a pointer is told


def told(picture):
    text = drawn(picture).replace("\u00a0", " ")
    return [each.split("\n") for each in re.findall(r"<title>(.*?)</title>", text, re.DOTALL)]


def test_each_part_tells_the_values_of_every_line_with_their_units():
    users = Line("users", Style.QUIET, [(0.5, 40.0), (1.5, 40.0)], right=True)
    failed = Bars("failed", Style.BAD, [0.0, 1.0, 2.0], [0.0, 2.5], lane=True, unit="/s")
    picture = chart(line((0.5, 250.0), (1.5, 1250.0)), users, bars=[failed], right_unit="users")
    assert told(picture) == [
        ["0.5 s", "line: 250 ms", "users: 40"],
        ["1.5 s", "line: 1.25 s", "users: 40", "failed: 2.5 /s"],
    ]


def test_a_point_of_a_wide_bin_is_told_for_all_of_it_and_a_missing_one_for_none():
    fine = Line("p50", Style.MAIN, [(x + 0.5, 100.0) for x in range(10)])
    wide = Line("p95", Style.MAIN, [(2.5, 500.0), (7.5, NAN)], dashed=True)
    values = [lines[1:] for lines in told(chart(fine, wide))]
    assert values == [["p50: 100 ms", "p95: 500 ms"]] * 5 + [["p50: 100 ms"]] * 5


@pytest.mark.parametrize("scale", [Scale.TIME, Scale.LINEAR, Scale.LOG, Scale.TAIL])
def test_the_parts_reach_from_one_end_of_the_axis_to_the_other(scale):
    picture = chart(line((0.1, 1.0), (0.5, 2.0), (0.9, 3.0)), scale=scale)
    plot = Plot(picture)
    parts = re.findall(r'<rect class="hover" x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn(picture))
    assert float(parts[0][0]) == pytest.approx(plot.begin, abs=0.1)
    assert float(parts[-1][0]) + float(parts[-1][1]) == pytest.approx(plot.end, abs=0.2)


def test_a_bar_tells_its_ends_and_its_count():
    spread = Bars("requests", Style.MAIN, [100.0, 200.0, 300.0], [3.0, 1.0])
    picture = Chart("c", "Chart", "A note.", "requests", Scale.LINEAR, x_unit="ms", bars=[spread])
    assert told(picture) == [["100 ms to 200 ms", "requests: 3"], ["200 ms to 300 ms", "requests: 1"]]
