"""Shares compared: percentage points, with the ratio's interval taken of the base's share."""

import html
import json
import math

import pytest

from folders import write_version
from katydid.analysis.comparison.estimates import Estimates
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import in_points, judge_metrics
from katydid.cli import main
from katydid.model.documents.comparison import ComparedPoints, CompareSettings

LUCK = (0.01, -0.008, 0.004)


@pytest.mark.parametrize(
    ("base", "new", "ratios", "points"),
    [
        (0.10, 0.20, (1.5, 2.5), (10.0, 5.0, 15.0)),
        (0.20, 0.10, (0.25, 0.75), (-10.0, -15.0, -5.0)),
        (0.10, 0.10, (0.9, 1.1), (0.0, -1.0, 1.0)),
        (0.40, 0.80, (1.5, 4.0), (40.0, 20.0, 60.0)),  # no share is above 100 %
        (0.10, 0.30, (0.5, 2.0), (20.0, -5.0, 20.0)),  # the means differ by more than the ratios say
        (0.10, 0.05, (0.8, 2.0), (-5.0, -5.0, 10.0)),
    ],
)
def test_a_difference_in_points_has_the_interval_of_the_ratio(base, new, ratios, points):
    found = in_points(base, new, base, tuple(map(math.log, ratios)), None)
    assert (found.change, found.low, found.high) == pytest.approx(points)


@pytest.mark.parametrize(
    ("base", "new", "level", "ratios", "points"),
    [
        (0.0, 1.0, 0.005, (100.0, 400.0), (100.0, 49.5, 100.0)),
        (1.0, 0.0, 0.995, (0.001, 0.02), (-100.0, -100.0, -97.51)),
        (0.0, 0.02, 0.005, (0.1, 9.0), (2.0, 0.0, 4.0)),  # no share is below 0 %
    ],
)
def test_none_and_all_have_a_difference_too(base, new, level, ratios, points):
    found = in_points(base, new, level, tuple(map(math.log, ratios)), None)
    assert (found.change, found.low, found.high) == pytest.approx(points)


@pytest.mark.parametrize(("ratio", "points"), [(1.5, 20.0), (2.5, 60.0), (2.6, None)])
def test_what_no_share_can_be_is_not_detectable(ratio, points):
    assert in_points(0.4, 0.4, 0.4, None, math.log(ratio)).detectable == (points and pytest.approx(points))


def judged(base, new, name="late_share", **limits):
    """A metric's row in the comparison of runs of 100 requests with these values."""
    runs = [
        [Estimates({name: value}, 100, 0, 100, episodes=10, users_at_stop=None) for value in side]
        for side in (base, new)
    ]
    settings = CompareSettings(primary=(name,), **limits)
    sides = Sides(*runs, history=[], interleaved=True, within=lambda _: None)
    return judge_metrics([name], sides, settings)[0].row(settings, 1)


def test_from_none_to_all_is_a_hundred_points_and_the_verdict_is_the_ratios():
    found = judged([0.0, 0.0, 0.0], [1.0, 1.0, 0.99])
    assert (found.base, found.verdict) == (0.0, "slower")
    assert found.points.change == pytest.approx(100 * 299 / 300)
    assert 90 < found.points.low < found.points.change <= found.points.high <= 100
    assert found.points.detectable < 1
    assert found.change == pytest.approx(200, rel=0.02)  # 100.5 / 0.5, where half a request is added to each


def test_one_run_each_has_a_difference_without_an_interval():
    found = judged([0.0], [0.5])
    assert found.verdict == "cannot_tell"
    assert found.points == ComparedPoints(change=50.0, low=None, high=None, detectable=None)


def test_where_too_little_failed_there_is_a_difference_still():
    runs = [0.0, 0.01]
    assert judged(runs, runs).points.change == 0.0
    assert judged([0.0], [0.0]).points.change == 0.0
    assert judged([0.0], [0.0]).verdict == "no_difference"


def test_what_is_no_share_has_no_points():
    assert judged([100.0, 101.0], [100.0, 102.0], "duration.p50").points is None


def test_every_output_says_points(tmp_path, capsys):
    write_version(tmp_path, "old", LUCK, step=2, failing=0.01)
    write_version(tmp_path, "new", LUCK, first_minute=1, step=2, failing=0.05)
    thresholds = tmp_path / "t.toml"
    thresholds.write_text('[compare]\nprimary = ["failure_rate"]\n')
    sides = [str(tmp_path / name) for name in ("old", "new")]
    files = {name: tmp_path / name for name in ("compare.html", "compare.markdown", "compare.json", "gate.markdown")}
    kinds = ("html", "markdown", "json")
    assert main(["compare", *sides, *(part for k in kinds for part in (f"--{k}", str(files[f"compare.{k}"])))]) == 0
    outputs = [capsys.readouterr().out]
    gate = ["--thresholds", str(thresholds), "--baseline", sides[0], "--markdown", str(files["gate.markdown"])]
    assert main(["gate", sides[1], *gate]) == 1
    found = {m["name"]: m for m in json.loads(files["compare.json"].read_text())["metrics"]}["failure_rate"]["points"]
    change, low, high = (f"{found[key]:+.1f}\u00a0points" for key in ("change", "low", "high"))
    outputs += [html.unescape(files[name].read_text()) for name in files if name != "compare.json"]
    assert all(f"{change} ({low} to {high})" in output for output in outputs)
    assert "given in percentage points" in outputs[1]
