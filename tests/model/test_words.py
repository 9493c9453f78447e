"""Numbers, and what became of a run, as people read them."""

import math
import re

import pytest
from msgspec import convert

from documents import manifest_with, metric_row, summary_with
from katydid.model.documents.comparison import ComparedMetric
from katydid.model.documents.summary import Censored, Measured
from katydid.model.formatting import (
    format_change,
    format_eta,
    fraction,
    how_it_ended,
    milliseconds,
    number,
    ordinal,
    plural,
    points,
    show,
    significant,
    value_only,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 ms"), (0.003, "< 0.01 ms"), (-0.003, "< 0.01 ms"), (0.005, "0.01 ms"), (0.456, "0.46 ms"),
     (9.994, "9.99 ms"), (10.0, "10.0 ms"), (-12.34, "\u221212.3 ms"), (99.9, "99.9 ms"), (100.0, "100 ms"),
     (312.4, "312 ms"), (999.4, "999 ms"), (999.6, "1.00 s"), (1000.0, "1.00 s"), (-1234.0, "\u22121.23 s"),
     (9999.0, "10.0 s"), (10_000.0, "10.0 s"), (61_000.0, "61.0 s"), (150_000.0, "150 s"), (1_500_000.0, "1,500 s"),
     (99.96, "100 ms"), (math.inf, "–")],
)  # fmt: skip
def test_a_time_has_a_space_at_which_no_line_is_broken(value, text):
    assert milliseconds(value) == re.sub(" (?=m?s$)", "\u00a0", text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00001, "< 0.01"), (-0.00001, "< 0.01"), (0.0001, "0.01"), (0.005, "0.50"), (0.0174, "1.74"),
     (0.1234, "12.3"), (0.5, "50"), (0.10, "10"), (0.9994, "99.9"), (0.9995, "99.95"), (0.99987, "99.98"),
     (0.9999, "99.99"), (0.99995, "> 99.99"), (1.0, "100"), (12.5, "1,250")],
)  # fmt: skip
def test_a_share(value, text):
    assert fraction(value) == f"{text}\u00a0%"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (0.0004, "< 0.001"), (0.0449, "0.045"), (0.456, "0.456"), (8.0, "8.00"), (9.996, "10.0"),
     (12.34, "12.3"), (99.94, "99.9"), (99.96, "100"), (1234.4, "1,234"), (-1234.4, "\u22121,234"), (math.nan, "–")],
)  # fmt: skip
def test_a_figure_has_three_significant_digits_and_all_of_its_thousands(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7.0, "7"), (2.345, "2.35"), (99.5, "99.5"), (100.4, "100"), (-100.4, "\u2212100"), (-7, "\u22127"),
     (1_234_567, "1,234,567")],
)  # fmt: skip
def test_a_number_has_few_digits_and_commas(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 requests"), (1, "1 request"), (2000, "2,000 requests")])
def test_one_is_no_plural(count, text):
    assert plural(count, "request") == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ttft.p95", 1234.0, "1.23\u00a0s"),
        ("failure_rate", 0.0174, "1.74\u00a0%"),
        ("requests_per_s", 2.0, "2.00\u00a0/s"),
        ("requests_per_s", 0, "0.00\u00a0/s"),
        ("tokens_per_s", 1234.5, "1,234\u00a0tok/s"),
        ("user_tokens.p50", 30.0, "30.0\u00a0tok/s"),
        ("rtf.p50", 1.5, "1.50\u00a0×"),
        ("queue_pending.max", 12.0, "12"),
    ],
)
def test_a_metrics_value_has_its_unit(name, value, text):
    assert value_only(name, value) == text
    assert show(name, value) == text


def test_a_missing_value_says_why_or_is_a_dash():
    assert show("ttft.p95", None, summary_with(too_few={"ttft.p95": "too few (3 of 90)"})) == "too few (3 of 90)"
    assert show("ttft.p95", None, summary_with(too_few={"ttft.p99": "too few (3 of 459)"})) == "–"
    assert show("ttft.p95", None, summary_with()) == "–"
    assert show("ttft.p95", None) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.3, "about 5 s"), (7.4, "about 5 s"), (8, "about 10 s"), (43, "about 45 s"), (89, "about 90 s"),
     (90, "about 2 min"), (130, "about 2 min"), (5399, "about 90 min"), (5400, "about 1.5 h"), (9000, "about 2.5 h"),
     (3_600_000, "about 1000.0 h")],
)  # fmt: skip
def test_what_is_left_is_told_no_finer_than_it_is_known(seconds, text):
    assert format_eta(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0"), (100.0, "+100"), (99.94, "+99.9"), (-12.34, "\u221212.3"), (0.52, "+0.52"), (-0.043, "\u22120.04"),
     (-0.004, "0.00"), (0.006, "+0.01"), (0.994, "+0.99"), (0.995, "+1.0"), (-0.996, "\u22121.0")],
)  # fmt: skip
def test_a_difference_of_shares_is_in_points(value, text):
    assert points(value) == f"{text}\u00a0points"


def row(change, of_shares=None):
    """A comparison's row: a change, an interval of 1 to either side, and the same in points."""
    points = None
    if of_shares is not None:
        points = {"change": of_shares, "low": of_shares - 1, "high": None, "detectable": None}
    low = None if change is None else change - 1
    return convert(metric_row(change=change, low=low, high=2.0, points=points), ComparedMetric)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (row(2.0), ["2.0", "1.0", "2.0"]),
        (row(0.0), ["0.0", "-1.0", "2.0"]),
        (row(None), [None, None, None]),
        (row(9.0, of_shares=3.0), ["+3.0\u00a0points", "+2.0\u00a0points", None]),
        (row(9.0, of_shares=0.0), ["0.0\u00a0points", "\u22121.0\u00a0points", None]),
        (row(None, of_shares=3.0), ["+3.0\u00a0points", "+2.0\u00a0points", None]),
        (row(None, of_shares=0.0), [None, None, None]),
    ],
)
def test_a_change_is_told_as_a_ratio_or_in_points(given, told):
    assert format_change(given, str) == told


@pytest.mark.parametrize(
    ("ended", "stopped_ms", "told"),
    [
        ("run-time", None, "run time reached"),
        ("failure-threshold", 4_200_300.0, "stopped by the failure threshold, at failure 5 after 4200 s"),
        ("failure-threshold", None, "stopped by the failure threshold, at failure 5"),
        ("completed", None, "completed"),
        ("interrupted", 1000.0, "interrupted after 1 s"),
        ("interrupted", None, "interrupted"),
        ("error", 1000.0, "aborted by an error after 1 s"),
        ("else", 1000.0, "ended in an unknown way"),
        (None, None, "ended in an unknown way"),
    ],
)
def test_how_a_run_ended(ended, stopped_ms, told):
    manifest = manifest_with(ended=ended, stopped_at_ms=stopped_ms, failure_threshold=5)
    assert how_it_ended(manifest, summary_with()) == told
    assert how_it_ended(manifest, summary_with(partial=False)) == told
    partial = "it never finished; the results are partial"
    assert how_it_ended(manifest, summary_with(partial=True)) == partial


@pytest.mark.parametrize(("later", "told"), [(0, ""), (2, " (2 that failed later not counted)")])
def test_where_the_failure_threshold_stopped_a_run(later, told):
    manifest = manifest_with(ended="failure-threshold", stopped_at_ms=24_300.0, failure_threshold=5)
    summary = {"users_at_stop": 243.0, "counts": {"failed_after_stop": later}}
    said = "stopped by the failure threshold, at failure 5 after 24 s, at 243 users"
    assert how_it_ended(manifest, summary_with(summary)) == said + told


@pytest.mark.parametrize(
    ("value", "told"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd")]
)
def test_a_number_in_a_row(value, told):
    assert ordinal(value) == told


def test_an_upper_bound_says_so_wherever_it_is_shown():
    bounded = summary_with(upper_bounds=["ttft.p95"])
    assert show("ttft.p95", 82.0, bounded) == "≤ 82.0\u00a0ms"
    assert show("ttft.p50", 52.0, bounded) == "52.0\u00a0ms"
    assert show("ttft.p95", 82.0) == "82.0\u00a0ms"


def test_a_value_among_those_cut_off_is_a_lower_bound_whatever_else_is_known_of_it():
    cut_off = Censored(requests=1, metrics={"ttft.max": Measured(2600.0, at_least=True)})
    assert show("ttft.max", None, summary_with(upper_bounds=["ttft.max"], censored=cut_off)) == "≥\u00a02.60\u00a0s"


def test_a_sweep_has_no_run_time_it_is_completed_with_its_last_stage():
    assert how_it_ended(manifest_with(ended="run-time", plan="stages"), summary_with()) == "completed"
