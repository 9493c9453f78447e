"""The shell of a page, with a chart whose every word came from somebody else."""

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


@pytest.mark.parametrize("scale", Scale)
def test_no_word_of_a_chart_is_markup(scale):
    curve = Line(HOSTILE, Style.MAIN, [(0.5, 2.0), (0.9, 4.0)])
    edges = [0.5, 0.7, 0.9]
    bars = [Bars(HOSTILE, Style.BAD, edges, [1.0, 2.0], unit=HOSTILE)]
    page = render("page.html", [chart(scale=scale, lines=[curve], bars=bars, x_names=[HOSTILE])])
    drawn = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "<img" not in drawn
    assert "&lt;img" in drawn


def test_a_page_without_charts_has_no_script_and_allows_none():
    page = render("page.html", [])
    assert "<script" not in page
    assert "script-src" not in page


def test_a_script_is_allowed_by_its_hash_alone():
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', render("page.html", [chart()]))[1]
    assert len(re.findall(r"sha256-[A-Za-z0-9+/]{43}=", policy.partition("script-src")[2])) == 1


def test_the_script_is_small_enough_for_every_page_to_carry():
    script = re.search(r"<script>(.*?)</script>", render("page.html", [chart()]), re.DOTALL)[1]
    assert len(script.encode()) < 60_000
    assert len(script.splitlines()) < 300
