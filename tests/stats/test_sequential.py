"""Levels of looks: together they are wrong as rarely as one test."""

import numpy as np
import pytest
from scipy import special

from katydid.stats.sequential import looks, spending_levels


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("pairs", [[2, 3, 4, 5, 6, 7, 8, 9, 10], [3, 4], [2, 7, 10]])
def test_all_looks_together_are_wrong_by_what_they_may_spend(alpha, sides, pairs):
    levels = np.array(spending_levels(pairs, alpha, sides=sides))
    random = np.random.default_rng(1)
    sums = random.normal(size=(100_000, max(pairs))).cumsum(axis=1)[:, np.array(pairs) - 1] / np.sqrt(pairs)
    limits = -special.ndtri(levels / sides)
    crossed = (np.abs(sums) if sides == 2 else sums) > limits
    first = crossed & (crossed.cumsum(axis=1) == 1)
    assert crossed.any(axis=1).mean() == pytest.approx(alpha, rel=0.08)
    assert first.mean(axis=0) == pytest.approx(np.full(len(pairs), alpha / len(pairs)), rel=0.3)


def test_one_look_may_spend_all():
    assert spending_levels([5], 0.01, sides=2) == pytest.approx([0.01], rel=1e-3)


def test_the_plan_begins_at_two_pairs_with_a_history_and_at_three_without():
    with_history = looks(10, with_history=True, metrics=5, different=0.01, same=0.05)
    alone = looks(4, with_history=False, metrics=5, different=0.01, same=0.05)
    assert [look.pairs for look in with_history] == list(range(2, 11))
    assert [look.pairs for look in alone] == [3, 4]
    assert looks(2, with_history=False, metrics=5, different=0.01, same=0.05)[0].pairs == 2
    assert all(0.0 < look.different < 0.01 and 0.0 < look.same < 0.05 for look in with_history)


def test_a_single_look_is_the_test_that_a_comparison_makes():
    (look,) = looks(3, with_history=False, metrics=5, different=0.01, same=0.05)
    assert (look.different, look.same) == pytest.approx((0.01, 0.05), rel=1e-2)
