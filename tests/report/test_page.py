"""The shell of a page, with a chart whose every word came from somebody else."""

import json
import re

import pytest

from katydid.report.model import Bars, Chart, Line, Mark, Scale, Style
from katydid.report.render.page import render
from synthetic import HOSTILE


def chart(**more):
    told = {"key": "k", "title": HOSTILE, "note": HOSTILE, "unit": HOSTILE, "right_unit": HOSTILE, "x_unit": HOSTILE}
    points = [(1.0, 2.0), (3.0, 4.0)]
    lines = [Line(HOSTILE, Style.MAIN, points), Line(HOSTILE, Style.QUIET, points, right=True)]
    bars = [Bars(HOSTILE, Style.BAD, [0.0, 2.0, 4.0], [1.0, 0.0], lane=True)]
    marks = [Mark(HOSTILE, Style.SECOND, 2.0)]
    return Chart(**({"lines": lines, "bars": bars, "marks": marks} | told | more))


def data_of(page):
    return re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', page, re.DOTALL)[1]


@pytest.mark.parametrize("scale", Scale)
def test_no_word_of_a_chart_is_markup(scale):
    curve = Line(HOSTILE, Style.MAIN, [(0.5, 2.0), (0.9, 4.0)])
    edges = [0.5, 0.7, 0.9]
    page = render("page.html", [chart(scale=scale, lines=[curve], bars=[Bars(HOSTILE, Style.BAD, edges, [1.0, 2.0])])])
    drawn = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)  # ECharts holds markup of its own
    assert "<img" not in drawn
    assert "&lt;img" in drawn


def test_its_data_cannot_end_their_element_and_are_what_was_put_in():
    data = data_of(render("page.html", [chart()]))
    assert not re.search(r"[<>&]", data)
    assert json.loads(data)["k"]["title"] == HOSTILE


def test_a_hole_in_a_curve_is_null():
    data = data_of(render("page.html", [chart(lines=[Line("x", Style.MAIN, [(1.0, float("nan")), (2.0, 1 / 3)])])]))
    assert json.loads(data)["k"]["lines"][0]["points"] == [[1.0, None], [2.0, 0.333333]]


def test_a_page_without_charts_has_no_script_and_allows_none():
    page = render("page.html", [])
    assert "<script" not in page
    assert "script-src" not in page


def test_a_script_is_allowed_by_its_hash_alone():
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', render("page.html", [chart()]))[1]
    assert len(re.findall(r"sha256-[A-Za-z0-9+/]{43}=", policy.partition("script-src")[2])) == 2
