"""Differences between sets of runs, their noise, and the corrections for looking at many metrics."""

import numpy as np
import pytest

from katydid.stats.inference import (
    NO_PAIRS,
    Design,
    EarlierPairs,
    Noise,
    benjamini_hochberg,
    compare_days,
    compare_values,
    holm,
    noise_of,
    runs_needed,
    smallest_detectable,
)
from katydid.stats.noise import AS_EVER, Today, todays_noise


def test_noise_is_pooled_around_the_mean_of_each_version():
    noise = noise_of([[1.0, 3.0], [10.0, 12.0], [7.0]])
    assert noise.variance == pytest.approx(2.0)
    assert noise.df == 2


def test_one_run_each_without_history_tells_no_noise():
    assert compare_values([1.0], [2.0], interleaved=False) is None


def test_history_lends_its_noise_to_single_runs():
    difference = compare_values([1.0], [2.0], [[0.0, 0.2, 0.1], [5.0, 5.2], [9.0, 9.0]], interleaved=False)
    assert difference.log_ratio == pytest.approx(1.0)
    assert difference.df == 4


@pytest.mark.parametrize("versions", [2, 3, 12])
def test_however_many_versions_a_history_has_one_run_a_side_may_be_of_a_noisier_day(versions):
    history = [[version, version + 0.2] for version in range(versions)]
    assert compare_values([1.0], [2.0], history, interleaved=True).se == pytest.approx(3 * np.sqrt(2 * 0.02))
    assert compare_values([1.0, 1.1], [2.0, 2.1], history, interleaved=True).se < 0.2


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


def series(shared, own, pairs=6):
    """Runs of two versions of which pairs share one part of their luck and have another of their own."""
    random = np.random.default_rng(3)
    common = random.normal(0.0, shared, pairs)
    return tuple(list(common + random.normal(0.0, own, pairs)) for _ in range(2))


TWO_PAIRS = [0.0, 0.1], [0.05, 0.152]


def test_earlier_pairs_that_are_correlated_let_two_be_compared_as_pairs():
    earlier = EarlierPairs([series(0.1, 0.003)])
    alone, found = (compare_values(*TWO_PAIRS, interleaved=True, pairs=pairs) for pairs in (NO_PAIRS, earlier))
    assert (alone.design, found.design) == (Design.RUNS, Design.PAIRS)
    assert (alone.df, found.df) == (2, 6)
    assert found.p_value < 0.001
    assert alone.p_value > 0.1
    assert compare_values(*TWO_PAIRS, interleaved=False, pairs=earlier).design is Design.RUNS


@pytest.mark.parametrize(
    "pairs", [[series(0.0, 0.1)], [series(0.1, 0.003, pairs=3)], [series(0.1, 0.003, pairs=2)] * 2]
)
def test_earlier_pairs_that_are_not_correlated_or_too_few_change_nothing(pairs):
    found = compare_values(*TWO_PAIRS, interleaved=True, pairs=EarlierPairs(pairs))
    assert found == compare_values(*TWO_PAIRS, interleaved=True)


def test_pairs_that_differ_more_than_earlier_ones_count_by_their_own_noise():
    calm = series(0.1, 0.003)
    usual, noisier = (EarlierPairs([calm], today) for today in (AS_EVER, Today(both=9.0, dimensions=1.5)))
    quiet, loud = (compare_values(*TWO_PAIRS, interleaved=True, pairs=pairs) for pairs in (usual, noisier))
    assert loud.se > 2 * quiet.se
    assert loud.df == 1.5


def test_a_side_that_scatters_far_more_than_the_others_has_its_own_noise():
    quiet = [[0.0, 0.01, -0.01, 0.012, -0.012, 0.004, 0.0, 0.003, -0.01, 0.0]]
    difference = compare_values([0.0, 0.01, -0.01], [0.5, 0.0, -0.3], quiet, interleaved=False)
    assert difference.design is Design.WELCH
    assert difference.se > 0.2


def test_a_base_that_scatters_far_more_has_its_own_noise_too():
    quiet = [[0.0, 0.01, -0.01, 0.012, -0.012, 0.004, 0.0, 0.003, -0.01, 0.0]]
    difference = compare_values([0.5, 0.0, -0.3], [0.0, 0.01, -0.01], quiet, interleaved=False)
    assert difference.design is Design.WELCH
    assert difference.se > 0.2


def test_a_history_that_is_quieter_than_today_counts_scaled_to_today():
    base, new, history = [0.0, 0.2, 0.1], [0.1, 0.3, 0.2], [[0.0, 0.1, 0.05, 0.05, 0.0]]
    plain = compare_values(base, new, history, interleaved=True)
    scaled = compare_values(base, new, history, interleaved=True, today=Today(both=4.0, dimensions=1.5))
    assert scaled.se > plain.se
    assert (plain.df, scaled.df) == (8, 6)  # four of today's runs, by one and a half metrics


@pytest.mark.parametrize(("days", "design"), [(2, None), (3, Design.DAYS), (8, Design.DAYS)])
def test_runs_of_different_times_need_earlier_days_to_be_compared(days, design):
    means = np.random.default_rng(1).normal(0.0, 0.05, days)
    found = compare_days([0.0, 0.01], [0.1, 0.11], [], [[mean, mean + 0.01] for mean in means])
    assert (found and found.design) is design


def test_days_that_differ_are_the_noise_of_sides_that_were_made_on_two():
    days = [[0.0] * 5, [0.06] * 5, [0.03] * 5]
    found = compare_days([0.0] * 5, [0.1] * 5, [], days)
    assert found.se == pytest.approx(np.sqrt(2) * 0.03)
    assert found.df == pytest.approx(2)


def test_a_creep_over_many_days_does_not_hide_itself():
    creep = [[0.02 * day] for day in range(10)]
    assert compare_days([0.0], [0.2], [], creep).se == pytest.approx(0.02)


def test_intervals_of_two_days_hold_the_truth_95_times_in_100():
    random, held = np.random.default_rng(3), 0
    for _ in range(2000):
        made = [list(random.normal(random.normal(0.0, 0.03), 0.03, 5)) for _ in range(6)]
        low, high = compare_days(made[0], made[1], made[2:], made[2:]).interval()
        held += low <= 0.0 <= high
    assert 0.93 <= held / 2000 <= 0.97


def test_days_that_lie_close_together_by_chance_are_not_taken_for_well_known():
    days = [[-0.06, 0.0, 0.06, 0.03, -0.03]] * 3
    found = compare_days([0.0, 0.05, -0.05], [0.1, 0.15, 0.05], days, days)
    assert found.df < 6  # of three days, however many runs these have


def test_few_days_do_not_make_equal_versions_different():
    random, called = np.random.default_rng(3), 0
    for _ in range(2000):
        made = [list(random.normal(random.normal(0.0, 0.03), 0.04, runs)) for runs in (3, 3, 5, 5, 5)]
        called += compare_days(made[0], made[1], made[2:], made[2:]).p_value < 0.002
    assert called / 2000 <= 0.005  # 0.002, and the luck of 2,000


def todays(scale_base, scale_new, runs=5, times=400):
    """How often today counts as noisier, of both sides and of each."""
    random, counts = np.random.default_rng(5), np.zeros(3)
    for _ in range(times):
        luck = random.normal(0.0, 0.03, (2 * runs + 10, 1)) + random.normal(0.0, 0.02, (2 * runs + 10, 4))
        found = todays_noise(luck[:runs] * scale_base, luck[runs : 2 * runs] * scale_new, [luck[2 * runs :]])
        counts += np.array([found.both, found.base, found.new]) > 1.0
    return counts / times


def test_today_rarely_counts_as_noisier_than_a_history_of_the_same_noise():
    """At the level of 10 % by the mean ratio, or of 5 % by the trace: together somewhat more often than by either."""
    assert all(0.05 <= share <= 0.2 for share in todays(1.0, 1.0))


def test_a_noisier_today_is_seen_and_of_one_side_which():
    assert todays(3.0, 3.0)[0] > 0.95
    _, base, new = todays(1.0, 3.0)
    assert new > 0.9
    assert base < 0.2


def test_three_runs_of_a_noisier_side_are_seen_though_they_lie_close_together_in_what_the_metrics_share():
    assert todays(1.0, 3.0, runs=3)[2] > 0.95


def test_metrics_that_follow_from_each_other_are_judged_by_their_mean_ratio_alone():
    random = np.random.default_rng(4)
    luck = random.normal(0.0, 0.03, (16, 1)) * np.ones((1, 3))
    base, new, history = luck[:3], 4.0 * luck[3:6], luck[6:]
    found = todays_noise(base, new, [history])
    assert found.new == pytest.approx(16.0 * luck[3:6, 0].var(ddof=1) / history[:, 0].var(ddof=1))


def test_without_a_history_of_two_runs_of_a_version_today_is_as_ever():
    runs = np.ones((3, 2))
    assert todays_noise(runs, runs, []) == Today()
    assert todays_noise(runs, runs, [np.ones((1, 2))]) == Today()


def test_a_history_without_any_noise_tells_nothing_on_a_day_that_has_some():
    still, noisy = np.ones((4, 1)), np.array([[0.0], [0.1], [0.0], [0.2]])
    assert todays_noise(noisy, noisy, [still]).both == np.inf
    lent = compare_values([0.0, 0.1], [0.0, 0.1], [[1.0] * 9], interleaved=True, today=Today(both=np.inf))
    assert lent.df == 2


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
