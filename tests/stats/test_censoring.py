"""Times of requests that may have been cut off: against SciPy's estimator, and against what is known."""

import numpy as np
import pytest
from scipy import stats

from katydid.stats.censoring import Known, shares


def estimated(times, open_, failed=None, cut=None):
    """`Known` of times of which some are open (censored) and some failed."""
    failed, cut = (np.zeros(len(times), dtype=bool) if kind is None else kind for kind in (failed, cut))
    return Known.of(np.asarray(times, dtype=np.float64), np.asarray(open_), np.asarray(failed), np.asarray(cut))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("digits", [0, 3])
def test_it_is_kaplan_and_meiers_estimator_ties_included(seed, digits):
    random = np.random.default_rng(seed)
    life, cut = random.exponential(3.0, 200), random.exponential(6.0, 200)
    times, open_ = np.round(np.minimum(life, cut), digits) + 1.0, cut < life
    found = estimated(times, open_)
    expected = stats.ecdf(stats.CensoredData(uncensored=times[~open_], right=times[open_])).cdf
    for q in (0.1, 0.5, 0.9, 0.95):
        reached = np.flatnonzero(expected.probabilities >= q - 1e-9)
        value, at_least = found.quantile(q)
        assert at_least == (not len(reached))
        if len(reached):
            assert value == expected.quantiles[reached[0]]


def test_without_open_times_it_is_the_usual_quantile():
    times = np.random.default_rng(1).exponential(1.0, 999)
    found = estimated(times, np.zeros(999, dtype=bool))
    for q in (0.5, 0.9, 0.95, 0.99):
        assert found.quantile(q) == (np.quantile(times, q, method="inverted_cdf"), False)
    assert found.mean() == (pytest.approx(times.mean()), False)


def test_a_quantile_among_open_times_is_at_least_what_they_had():
    times, open_ = np.array([1.0, 2.0, 3.0, 30.0, 60.0]), np.array([False, False, False, True, True])
    found = estimated(times, open_)
    assert found.quantile(0.5) == (3.0, False)
    assert found.quantile(0.7) == (30.0, True)
    assert found.quantile(0.9) == (60.0, True)
    assert found.mean() == (pytest.approx(19.2), True)
    assert found.largest() == (60.0, True)
    assert found.smallest() == (1.0, False)


def test_failures_leave_the_others_what_they_are():
    times = np.array([0.1, 1.0, 1.5, 2.0, 3.0, 4.0])
    failed = np.array([True, False, True, False, False, False])
    found = estimated(times, np.zeros(6, dtype=bool), failed)
    assert found.times.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.weights == pytest.approx([0.25] * 4)


def test_failures_at_the_end_of_requests_do_not_bias_those_that_were_cut_off():
    """Requests that were going to fail are among those cut off, too: Aalen and Johansen's estimator."""
    random = np.random.default_rng(3)
    life, cut = random.lognormal(0.0, 0.5, 100_000), random.uniform(0.0, 4.0, 100_000)
    fails = random.random(100_000) < 0.4 * (life > 1.0)  # the slow ones fail
    open_ = cut < life
    found = estimated(np.minimum(life, cut), open_, fails & ~open_)
    for q in (0.5, 0.9):
        assert found.quantile(q)[0] == pytest.approx(np.quantile(life[~fails], q), rel=0.02)


def test_shares_sum_to_one_with_what_is_left():
    random = np.random.default_rng(5)
    times, kind = random.exponential(1.0, 500), random.integers(0, 3, 500)
    each, left = shares(times, kind == 2)
    assert each.sum() + left == pytest.approx(1.0)
    assert (each[kind == 2] == 0).all()


def test_what_was_cut_off_does_not_make_enough_requests():
    open_ = np.array([False, True, True])
    assert estimated([1.0, 2.0, 3.0], open_, cut=open_).count == 1
    assert estimated([1.0, 2.0, 3.0], open_).count == 3


def test_nothing_at_all_has_no_quantile():
    found = estimated([], np.array([], dtype=bool))
    assert found.count == 0
