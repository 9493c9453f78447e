"""What `katydid ab` says, on few simulated series; benchmarks/simulate_ab.py has the whole table."""

import numpy as np
import pytest
from simulate_ab import History, simulate

SERIES = 150


def series(sd, truth, **more):
    return simulate(sd, truth, series=SERIES, random=np.random.default_rng(7), **more)


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize(("sd", "pairs"), [(0.01, 3.1), (0.04, 6.5)])
def test_equal_versions_are_the_same_after_a_few_pairs(sd, pairs, history):
    found = series(sd, 0.0, history=History(runs=history))
    assert found.slower + found.faster <= 0.035  # 1.5 % promised, and the luck of 150 series
    assert found.same >= 0.95
    assert found.pairs <= pairs


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize("truth", [0.1, 0.2])
def test_a_slower_version_is_found_and_never_called_the_same(truth, history):
    found = series(0.04, truth, history=History(runs=history))
    assert found.slower >= 0.95
    assert found.same <= 0.03


def test_with_fewer_pairs_allowed_it_is_more_often_not_decided_and_no_more_often_wrong():
    found = series(0.04, 0.1, most=3)
    assert found.pairs <= 3
    assert found.slower < 0.9
    assert found.same <= 0.03


@pytest.mark.parametrize("shared", [0.8, 0.0])
def test_pairs_of_an_earlier_ab_save_pairs_where_they_are_correlated_and_never_make_it_wrong(shared):
    equal, slower = (
        [series(0.04, truth, shared=shared, history=History(pairs=5, known=known)) for known in (False, True)]
        for truth in (0.0, 0.1)
    )
    for found in equal:
        assert found.slower + found.faster <= 0.035
    for found in slower:
        assert found.slower >= 0.95
        assert found.same <= 0.03
    if shared:
        assert equal[1].pairs < equal[0].pairs - 0.5
        assert slower[1].pairs < slower[0].pairs - 0.5
