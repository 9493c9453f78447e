"""What `katydid ab` says, on few simulated series; benchmarks/simulate_ab.py has the whole table."""

import numpy as np
import pytest
from simulate_ab import simulate

SERIES = 150


def series(sd, truth, **more):
    return simulate(sd, truth, series=SERIES, random=np.random.default_rng(7), **more)


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize(("sd", "pairs"), [(0.01, 3.1), (0.04, 6.5)])
def test_equal_versions_are_the_same_after_a_few_pairs(sd, pairs, history):
    found = series(sd, 0.0, history=history)
    assert found.slower + found.faster <= 0.035  # 1.5 % promised, and the luck of 150 series
    assert found.same >= 0.95
    assert found.pairs <= pairs


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize("truth", [0.1, 0.2])
def test_a_slower_version_is_found_and_never_called_the_same(truth, history):
    found = series(0.04, truth, history=history)
    assert found.slower >= 0.95
    assert found.same <= 0.03


def test_with_fewer_pairs_allowed_it_is_more_often_not_decided_and_no_more_often_wrong():
    found = series(0.04, 0.1, most=3)
    assert found.pairs <= 3
    assert found.slower < 0.9
    assert found.same <= 0.03
