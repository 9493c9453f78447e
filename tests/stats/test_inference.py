"""Differences between sets of runs, their noise, and the corrections for looking at many metrics."""

import numpy as np
import pytest

from katydid.stats.inference import (
    Design,
    Noise,
    benjamini_hochberg,
    compare_values,
    holm,
    noise_of,
    runs_needed,
    smallest_detectable,
)


def test_noise_is_pooled_around_the_mean_of_each_version():
    noise = noise_of([[1.0, 3.0], [10.0, 12.0], [7.0]])
    assert noise.variance == pytest.approx(2.0)
    assert noise.df == 2


def test_one_run_each_without_history_tells_no_noise():
    assert compare_values([1.0], [2.0], interleaved=False) is None


def test_history_lends_its_noise_to_single_runs():
    difference = compare_values([1.0], [2.0], [[0.0, 0.2, 0.1], [5.0, 5.2]], interleaved=False)
    assert difference.log_ratio == pytest.approx(1.0)
    assert difference.df == 3
    assert difference.se == pytest.approx(np.sqrt(2 * (0.02 + 0.02) / 3))


def test_the_interval_and_the_p_value_are_students():
    difference = compare_values([0.0, 0.2], [0.5, 0.7], interleaved=False)
    assert difference.design is Design.RUNS
    low, high = difference.interval()
    assert (low, high) == pytest.approx((0.5 - 4.302653 * 0.1414214, 0.5 + 4.302653 * 0.1414214), rel=1e-5)
    assert difference.p_value == pytest.approx(0.0715, abs=1e-3)


def test_interleaved_runs_that_drift_together_are_compared_as_pairs():
    drift = np.linspace(0.0, 1.0, 6)
    wobble = np.array([0.01, -0.01, 0.012, -0.008, 0.005, -0.009])
    base, new = list(drift), list(drift + 0.1 + wobble)
    assert compare_values(base, new, interleaved=True).design is Design.PAIRS
    assert compare_values(base, new, interleaved=True).p_value < 0.001
    assert compare_values(base, new, interleaved=False).p_value > 0.5


def test_pairs_that_share_nothing_are_not_paired():
    base, new = [0.0, 0.1, 0.0, 0.1, 0.0], [0.1, 0.0, 0.1, 0.0, 0.1]
    assert compare_values(base, new, interleaved=True).design is Design.RUNS


def test_a_side_that_scatters_far_more_than_the_others_has_its_own_noise():
    quiet = [[0.0, 0.01, -0.01, 0.012, -0.012, 0.004, 0.0, 0.003, -0.01, 0.0]]
    difference = compare_values([0.0, 0.01, -0.01], [0.5, 0.0, -0.3], quiet, interleaved=False)
    assert difference.design is Design.WELCH
    assert difference.se > 0.2


def test_equal_runs_differ_by_nothing_for_certain():
    difference = compare_values([1.0, 1.0], [1.0, 1.0], interleaved=False)
    assert difference.p_value == 1.0
    assert compare_values([1.0, 1.0], [1.1, 1.1], interleaved=False).p_value == 0.0


def test_holm_multiplies_by_the_hypotheses_left_and_never_goes_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_benjamini_hochberg_divides_by_the_rank_and_never_goes_up():
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.8]) == pytest.approx([0.04, 0.0533333, 0.0533333, 0.8])


def test_the_smallest_detectable_change_shrinks_with_runs_and_is_what_that_many_runs_find():
    noise = Noise(0.04**2, 18)
    needed = runs_needed(np.log1p(0.10), noise, 0.01, runs=10)
    sd = 0.04
    assert 4 <= needed <= 7
    assert smallest_detectable(sd * np.sqrt(2 / needed), 18, 0.01) <= np.log1p(0.10)
    assert smallest_detectable(sd * np.sqrt(2 / (needed - 1)), 18, 0.01) > np.log1p(0.10)
    assert runs_needed(0.001, noise, 0.01, runs=10) is None


def test_95_percent_intervals_hold_the_truth_95_times_in_100():
    random = np.random.default_rng(7)
    held = 0
    for _ in range(2000):
        luck = random.normal(0.0, 0.04, 16)
        low, high = compare_values(list(luck[:3]), list(luck[3:6]), [list(luck[6:])], interleaved=False).interval()
        held += low <= 0.0 <= high
    assert 0.93 <= held / 2000 <= 0.97
