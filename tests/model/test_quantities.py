"""Durations, counts and shares are written in one way everywhere; a plain number keeps its unit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.model.options.quantities import (
    QuantityError,
    count,
    duration,
    exact_duration,
    format_duration,
    milliseconds,
    share,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25), ("20s", 20.0), ("8m", 480.0), ("8min", 480.0), ("1h", 3600.0), ("1m30s", 90.0),
        ("1h20m", 4800.0), ("1h 2m 3s 4ms 5us", 3723.004005), ("1.5s", 1.5), (".5m", 30.0), ("0.5h", 1800.0),
        ("500us", 0.0005), (" 1 s ", 1.0), ("90m", 5400.0), ("0s", 0.0),
    ],
)  # fmt: skip
def test_a_duration_has_units_from_the_largest_to_the_smallest(text, seconds):
    assert duration(text) == seconds
    assert milliseconds(text) == pytest.approx(seconds * 1000)


@pytest.mark.parametrize("text", ["20", "1.5", ".5", "0", "1e3", " 2 ", "-1"])
def test_a_plain_number_keeps_the_unit_that_it_had(text):
    assert duration(text) == milliseconds(text) == float(text)
    assert duration(float(text)) == float(text), "read before"
    assert exact_duration(text) is None


@pytest.mark.parametrize(
    "text", ["", " ", "s", "soon", "-1s", "1.2.3", "30s1m", "1s1s", "5 parsec", "1e3s", "1ms2s", "d"]
)
def test_what_is_no_duration_is_told_in_one_line(text):
    with pytest.raises(QuantityError, match=r"is not a duration such as 250ms, 20s or 1m30s$") as refused:
        duration(text)
    assert str(refused.value).startswith(repr(text))


def test_what_is_long_is_cut_in_the_message():
    with pytest.raises(QuantityError, match=f"^'{'x' * 40}…' is not"):
        duration("x" * 10_000)
    with pytest.raises(QuantityError, match=f"^'{'9' * 40}…' is not"):
        count("9" * 10_000)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_or_endless_is_left_to_whoever_asks(text):
    assert not math.isfinite(duration(text))


def test_seconds_are_exact_not_sums_of_floats():
    assert duration("2.9ms") == 0.0029
    assert milliseconds("0.1s") == 100.0
    assert milliseconds("1.001s") == 1001.0


@given(st.floats(min_value=0, max_value=1e9))
def test_any_duration_survives_the_way_through_its_text(seconds):
    assert duration(format_duration(seconds)) == seconds


@given(st.integers(0, 10**9))
def test_whole_milliseconds_are_written_with_units(ms):
    text = format_duration(ms / 1000)
    assert text[-1] == "s" or text[-1] in "mh"
    assert duration(text) == ms / 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "250ms"), (20.0, "20s"), (90.0, "1m30s"), (480.0, "8m"), (3600.0, "1h"), (0.0, "0s"), (2.5, "2.5s")],
)
def test_a_duration_is_written_as_one_would_say_it(seconds, text):
    assert format_duration(seconds) == text


def test_a_count_is_a_whole_number():
    assert (count("40"), count(" 7 "), count("-1"), count(5)) == (40, 7, -1, 5)
    for text in ("", "many", "1.5", "5s"):
        with pytest.raises(QuantityError, match="is not a whole number"):
            count(text)


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_a_share_is_a_fraction_or_a_percentage(percent):
    assert share(f"{percent}%") == float(percent / 100)
    assert share(str(float(percent / 100))) == share(f" {percent} % ") == float(percent / 100)


@pytest.mark.parametrize("text", ["", "%", "most", "5 percent", "1/2"])
def test_what_is_no_share_is_told(text):
    with pytest.raises(QuantityError, match=r"is not a share such as 5% or 0\.05$"):
        share(text)
