"""Failure rates compared: by each run's failures, with the noise that comes of bursts, of runs, and of not knowing."""

import numpy as np
import pytest

from katydid.analysis.comparison import failures
from katydid.analysis.comparison.failures import RunFailures, clumping, episodes
from katydid.stats.inference import compare_values

CHANCE = 0.002
"""Of a false alarm, where five metrics share one in a hundred."""


def run(*places, requests=200):
    """A run whose requests at these places of its course failed, one due each tenth of a second."""
    failed = np.zeros(requests, dtype=bool)
    failed[list(places)] = True
    return RunFailures(len(places), requests, clumping(failed, episodes(np.array(places) * 100.0)))


def steady(count, requests=200):
    return run(*np.linspace(0, requests - 1, count).astype(int), requests=requests)


GOOD = run()


def compare_failures(*sides, interleaved=True, **more):
    return failures.compare_failures(*sides, interleaved=interleaved, **more)


@pytest.mark.parametrize(
    ("base", "new"),
    [
        ([GOOD], [steady(100)]),
        ([GOOD] * 3, [steady(40)] * 3),
        ([steady(12, 1200)] * 5, [steady(60, 1200)] * 5),
        ([GOOD], [steady(200)]),
    ],
)
def test_steady_failures_are_found_though_they_are_one_episode(base, new):
    assert compare_failures(base, new).p_value < CHANCE
    assert compare_failures(new, base).change < 0


@pytest.mark.parametrize(
    ("base", "new"),
    [
        ([GOOD] * 3, [run(50, 51, 52, 53), GOOD, GOOD]),  # one hiccup of four
        ([GOOD] * 3, [run(*range(50, 62)), GOOD, GOOD]),  # one of twelve
        ([GOOD], [run(*range(100, 200))]),  # one outage, however long
        ([GOOD], [steady(10)]),
        ([steady(10)] * 3, [steady(12)] * 3),
        ([RunFailures(170, 412)], [RunFailures(277, 499)]),  # two runs of one version, far above what it holds
    ],
)
def test_what_chance_or_one_hiccup_does_is_not_found(base, new):
    assert compare_failures(base, new).p_value > CHANCE


def test_runs_that_scatter_tell_less_than_runs_that_agree():
    base = [steady(10)] * 3
    agree = compare_failures(base, [steady(60)] * 3)
    scatter = compare_failures(base, [steady(5), steady(15), steady(160)])
    assert agree.change == pytest.approx(scatter.change)
    assert agree.p_value < CHANCE < scatter.p_value


def test_earlier_runs_lend_their_scatter():
    calm, wild = [[steady(10)] * 10], [[steady(5), steady(30)] * 5]
    found = [compare_failures([steady(10)], [steady(45)], history).p_value for history in (calm, [], wild)]
    assert found == sorted(found)
    assert found[0] < CHANCE < found[2]


def test_versions_with_few_failures_do_not_tell_how_runs_scatter():
    rare = [[run(3), GOOD, run(150), GOOD]]
    assert compare_failures([GOOD], [steady(50)], rare) == compare_failures([GOOD], [steady(50)])


@pytest.mark.parametrize(("new", "base"), [(0, 10), (3, 10), (25, 10), (60, 10), (100, 0), (200, 0), (0, 100)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_the_interval_holds_none_exactly_where_the_test_finds_nothing(new, base, confidence):
    found = compare_failures([steady(base)], [steady(new)])
    low, high = found.interval(confidence)
    assert -1 <= low <= found.change <= high <= 1
    assert (low <= 0 <= high) == (found.p_value >= 1 - confidence)


def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(5)
    held = 0
    for _ in range(500):
        sides = [[RunFailures(random.binomial(400, rate), 400) for _ in range(5)] for rate in (0.02, 0.06)]
        low, high = compare_failures(*sides).interval()
        held += low <= 0.04 <= high
    assert held >= 0.94 * 500


def test_the_smallest_detectable_rise_is_what_the_runs_needed_would_find():
    found = compare_failures([steady(4)] * 2, [steady(8)] * 2)
    needed = found.runs_needed(CHANCE, 0.005)
    more = compare_failures([steady(4)] * needed, [steady(8)] * needed)
    assert needed > 2
    assert more.smallest_detectable(CHANCE) <= 1.3 * found.change < found.smallest_detectable(CHANCE)
    assert compare_failures([steady(195)], [steady(196)]).smallest_detectable(CHANCE) is None


def test_failures_clump_as_their_bursts_do_and_steady_ones_do_not():
    bursts = [place + i for place in (10, 130, 415, 611, 803, 1100) for i in range(10)]
    assert 5 < max(run(*bursts, requests=1200).clumping) < 20
    assert max(steady(60, 1200).clumping) < 1
    assert run(7, 8, 9, 100).clumping[0] == 2  # four failures in two episodes
    assert set(clumping(np.ones(30, dtype=bool), 1)) == {1.0}


def test_variance_that_comes_of_rounding_is_none():
    rounded = [1.0, 1.0 + 1e-13, 1.0 - 1e-13]
    assert compare_values(rounded, [1.1, 1.1, 1.1 + 1e-13], interleaved=False).se == 0
    assert compare_values(rounded, [1.5, 1.3, 1.6], [rounded], interleaved=False).design == "runs"


BLOCKS = {"interleaved": False}


def test_sides_that_were_not_interleaved_differ_by_their_days_too():
    """However many runs: 1 % on one day and 5 % on another tell nothing of versions, 0 % and 50 % do."""
    few, many = [[steady(12, 1200)] * 10, [steady(60, 1200)] * 10], [[GOOD] * 3, [steady(100)] * 3]
    assert compare_failures(*few).p_value < CHANCE < 0.05 < compare_failures(*few, **BLOCKS).p_value
    assert compare_failures(*many, **BLOCKS).p_value < CHANCE


def test_more_runs_of_the_same_two_days_are_not_more_certain():
    once, often = (compare_failures([steady(12, 1200)] * n, [steady(60, 1200)] * n, **BLOCKS) for n in (3, 30))
    assert often.p_value == pytest.approx(once.p_value, rel=0.5)
    assert often.runs_needed(CHANCE, 0.005) is not None, "of interleaved ones"


def test_earlier_days_tell_how_much_days_differ():
    base, new = [steady(10)] * 5, [steady(60)] * 5
    alike, unlike = ([[steady(count)] * 3 for count in days] for days in ([10] * 12, [5, 20, 40] * 4))
    found = [compare_failures(base, new, **BLOCKS, days=days).p_value for days in (alike, [], unlike)]
    assert found == sorted(found)
    assert found[0] < found[1] / 2
    assert found[2] > found[1] * 2


def test_days_without_failures_tell_nothing_of_days():
    base, new = [steady(10)] * 3, [steady(60)] * 3
    assert compare_failures(base, new, **BLOCKS, days=[[GOOD]] * 5) == compare_failures(base, new, **BLOCKS)


def test_equal_versions_on_two_days_are_seldom_called_different():
    """Days whose rates have a standard deviation of half of 5 %."""
    random = np.random.default_rng(11)
    wrong = [0, 0]
    for _ in range(400):
        rates = np.clip(0.05 * np.exp(random.normal(-0.125, 0.5, 2)), 0.0, 1.0)
        sides = [[RunFailures(random.binomial(1200, rate), 1200) for _ in range(5)] for rate in rates]
        for i, interleaved in enumerate((True, False)):
            wrong[i] += compare_failures(*sides, interleaved=interleaved).p_value < CHANCE
    assert wrong[0] > 40
    assert wrong[1] <= 2
