"""A histogram gives every quantile to within 0.4 %, and merging loses nothing."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.stats.histogram import WORST_ERROR, Histogram

DURATIONS = st.lists(st.floats(min_value=1e-7, max_value=1e5), min_size=1, max_size=300)


def made(values):
    histogram = Histogram()
    histogram.add(values)
    return histogram


@given(values=DURATIONS, q=st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_the_observed_one_to_within_the_error_that_is_stated(values, q):
    observed = sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
    assert made(values).quantile(q) == pytest.approx(observed, rel=WORST_ERROR * 1.0001)


@given(values=DURATIONS)
def test_the_mean_is_as_exact(values):
    assert made(values).mean == pytest.approx(sum(values) / len(values), rel=WORST_ERROR * 1.0001)


@given(one=DURATIONS, other=DURATIONS)
def test_two_histograms_merged_are_that_of_all_values(one, other):
    merged = Histogram(made(one).counts + made(other).counts)
    assert merged.counts == made(one + other).counts
    assert merged.total == len(one) + len(other)


def test_zero_stays_zero_and_a_negative_duration_counts_as_one():
    histogram = made([0.0, 0.0, -0.001, 0.5])
    assert (histogram.quantile(0.75), histogram.quantile(1.0)) == (0.0, pytest.approx(0.5, rel=WORST_ERROR))


def test_a_run_of_gaps_takes_few_buckets():
    dice = random.Random(1)
    assert len(made([dice.lognormvariate(-4, 0.3) for _ in range(100_000)]).counts) < 600


def test_of_nothing_there_is_no_quantile():
    with pytest.raises(ValueError, match=r"^a histogram without values has no quantile$"):
        made([]).quantile(0.5)
    with pytest.raises(ValueError, match=r"^a histogram without values has no mean$"):
        _ = made([]).mean


def test_values_of_0_that_were_only_counted_are_as_good_as_others():
    counted, listed = Histogram(), made([0.0] * 3 + [0.02])
    counted.add([0.02], zeros=3)
    assert counted.counts == listed.counts
    counted.add([])
    assert counted.counts == listed.counts
    counted.add([0.0], zeros=2)
    assert counted.counts == made([0.0] * 6 + [0.02]).counts


def test_one_is_made_again_from_its_counts():
    once = made([0.1, 0.2, 0.2])
    again = Histogram(once.counts)
    assert (again.counts, again.total, again.quantile(0.5)) == (once.counts, 3, once.quantile(0.5))


def test_a_zero_with_a_sign_is_a_zero():
    assert (made([-0.0]).quantile(1.0), made([-0.0]).mean) == (0.0, 0.0)
