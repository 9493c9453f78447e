"""Numbers as people read them."""

import pytest

from katydid.core.words import about, changed, fraction, harmless, milliseconds, number, plural, points, show
from katydid.report.axes import clock, round_ticks, vertical


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 ms"), (0.003, "< 0.01 ms"), (0.456, "0.46 ms"), (12.34, "12.3 ms"), (312.4, "312 ms"),
     (1234.0, "1.23 s"), (61_000.0, "61.0 s")],
)  # fmt: skip
def test_a_time(value, text):
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 %"), (0.00001, "< 0.01 %"), (0.0174, "1.74 %"), (1.0, "100 %"), (0.5, "50 %")]
)
def test_a_share(value, text):
    assert fraction(value) == text


def test_large_numbers_have_gaps():
    assert number(1_234_567) == "1\u202f234\u202f567"
    assert plural(1, "request") == "1 request"
    assert plural(0, "request") == "0 requests"


def test_a_missing_value_says_why_or_is_a_dash():
    assert show("ttft.p95", None, {"too_few": {"ttft.p95": "too few (3 of 90)"}}) == "too few (3 of 90)"
    assert show("ttft.p95", None) == "–"
    assert show("requests_per_s", 2.0) == "2 /s"


def test_text_from_outside_has_no_control_characters_left():
    assert harmless("a\x1b[31mb\r\nc\u202ed") == "a [31mb c d"


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


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.3, "about 5 s"), (43, "about 45 s"), (130, "about 2 min"), (9000, "about 2.5 h")]
)
def test_what_is_left_is_told_no_finer_than_it_is_known(seconds, text):
    assert about(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0"), (100.0, "+100.0"), (-12.34, "\u221212.3"), (0.52, "+0.52"), (-0.043, "\u22120.04"),
     (0.001, "0.00"), (0.996, "+1.0")],
)  # fmt: skip
def test_a_difference_of_shares_is_in_points(value, text):
    assert points(value) == f"{text}\u00a0points"


def row(change, of_shares=None):
    """A comparison's row: a change, an interval of 1 to either side, and the same in points."""
    shares = None if of_shares is None else {"change": of_shares, "low": of_shares - 1, "high": None}
    return {"change": change, "low": None if change is None else change - 1, "high": 2.0, "points": shares}


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
    assert changed(given, str) == told
