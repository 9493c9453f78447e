"""Lengths of requests: how people write them, and what is drawn from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.load.lengths import MOST, chance, lengths, read_lengths, read_shared_prefix, shared_prefix
from katydid.model.options.quantities import QuantityError


def drawn(text, count=4000, seed=0):
    spec = read_lengths(text)
    return [spec.at(chance("input", seed, number % 40, number // 40)) for number in range(count)]


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    middle = mean(values)
    return (sum((value - middle) ** 2 for value in values) / len(values)) ** 0.5


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1000", "1000"),
        (" Normal( 1000 , 200 ) ", "normal(1000,200)"),
        ("lognormal(1000.5,800)", "lognormal(1000.5,800)"),
        ("uniform(200,2000)", "uniform(200,2000)"),
        ("normal(5,0)", "normal(5,0)"),
        (str(MOST), str(MOST)),
    ],
)
def test_a_length_has_one_spelling(text, written):
    assert lengths(text) == written
    assert lengths(written) == written


@pytest.mark.parametrize(
    "text",
    [
        "0", "-5", "1.5", "many", "normal", "normal(1000)", "normal(1,2,3)", "normal(a,b)", "normal(0,1)",
        "normal(1000,-1)", "normal(100,200)", "lognormal(0,1)", "lognormal(10,101)", "uniform(5,2)", "uniform(1.5,3)",
        "uniform(0,5)", "poisson(5)", "normal(nan,1)", "normal(inf,1)", "normal(100,nan)", "1000001", "²", "1e3",
        "uniform(1,1000001)", "normal(1000,200", "(1,2)",
    ],
)  # fmt: skip
def test_what_is_not_a_length_is_refused_in_one_line(text):
    with pytest.raises(QuantityError) as refused:
        lengths(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "middle", "spread"),
    [("500", 500, 0), ("normal(1000,200)", 1000, 200), ("lognormal(1000,800)", 1000, 800), ("uniform(1,99)", 50, 28.6)],
)
def test_what_is_drawn_has_the_mean_and_the_deviation_that_were_asked_for(text, middle, spread):
    values = drawn(text)
    assert mean(values) == pytest.approx(middle, rel=0.03)
    assert deviation(values) == pytest.approx(spread, rel=0.06)


def test_uniform_lengths_reach_both_ends_equally_often():
    values = drawn("uniform(3,7)", 10_000)
    assert {value: values.count(value) / len(values) for value in set(values)} == pytest.approx(
        dict.fromkeys(range(3, 8), 0.2), abs=0.02
    )


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.sampled_from(["normal(10,10)", "lognormal(1,10)"]))
def test_no_length_is_below_one_or_beyond_the_longest(share, text):
    assert 1 <= read_lengths(text).at(share) <= MOST


@pytest.mark.parametrize(("length", "share"), [(1, 0.0), (26, 0.25), (51, 0.5), (101, 1.0)])
def test_the_share_of_shorter_lengths_is_known(length, share):
    assert read_lengths("uniform(1,100)").below(length) == pytest.approx(share, abs=0.005)


def test_a_draw_is_the_requests_own_and_of_one_purpose():
    one = chance("input", 7, 3, 5)
    assert chance("input", 7, 3, 5) == one
    others = {chance("output", 7, 3, 5), chance("input", 8, 3, 5), chance("input", 7, 5, 3), chance("input", 7, 35, 0)}
    assert one not in others
    assert len(others) == 4


@pytest.mark.parametrize(("text", "tokens", "groups"), [("500", 500, 1), (" 500:4 ", 500, 4)])
def test_a_shared_prefix_is_tokens_and_groups(text, tokens, groups):
    found = read_shared_prefix(text)
    assert (found.tokens, found.groups) == (tokens, groups)
    assert shared_prefix(text) == f"{tokens}:{groups}"


@pytest.mark.parametrize("text", ["", "0", "5:0", "5:", "5:2:1", "a", "-1", "5:x", "1000001"])
def test_what_is_not_a_shared_prefix_is_refused(text):
    with pytest.raises(QuantityError):
        shared_prefix(text)
