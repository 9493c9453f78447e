"""The promise on verdicts, on few simulated pairs; benchmarks/simulate_verdicts.py has the whole table."""

from functools import cache

import numpy as np
import pytest
from simulate_verdicts import LEVELS, Failing, cell, pool
from situations import SITUATIONS, STEADY, Situation

from katydid.model.documents.comparison import CompareSettings

PAIRS = 300


def judged(pairs=PAIRS):
    return {"pairs": pairs, "random": np.random.default_rng(11), "settings": CompareSettings()}


@cache
def runs_of(level):
    """Made once for all tests: it takes longer than to judge them."""
    return pool(LEVELS[level], np.random.default_rng(5))


@pytest.fixture(params=list(LEVELS))
def level(request):
    return request.param, runs_of(request.param)


@pytest.fixture
def typical():
    return runs_of("typical")


@pytest.mark.parametrize("runs", [1, 3, 5])
def test_equal_versions_are_hardly_ever_called_different(level, runs):
    name, drawn = level
    found = cell(drawn, runs, 0.0, **judged())
    assert found.different <= 0.03, name  # 1 % promised, and the luck of 300 pairs
    assert found.covered >= 0.91, name
    assert found.covered <= 0.985 or runs == 1, name  # of one run a side the noise is taken as larger


@pytest.mark.parametrize("failing", [Failing(0.01, 0.01), Failing(0.05, 0.05, burst=4), Failing(0.05, 0.05, burst=20)])
@pytest.mark.parametrize(("runs", "history", "most"), [(1, False, 0.01), (1, True, 0.05), (3, True, 0.03)])
def test_equal_versions_that_fail_equally_are_hardly_ever_called_different(typical, failing, runs, history, most):
    """Promised are 3 % of one run a side, and 1.5 % of more; the rest is the luck of 200 pairs."""
    found = cell(typical, runs, 0.0, failing=failing, history=history, **judged(200))
    assert found.different <= most


@pytest.mark.parametrize(
    ("runs", "failing"),
    [
        (5, Failing(0.01, 0.05)),
        (3, Failing(0.0, 0.2, requests=200)),
        (1, Failing(0.0, 0.5, requests=200)),
    ],
)
@pytest.mark.parametrize("history", [False, True])
def test_a_version_that_fails_more_is_found(typical, runs, failing, history):
    assert cell(typical, runs, 0.0, failing=failing, history=history, **judged(100)).slower >= 0.98


@pytest.mark.parametrize(("name", "runs", "shared", "least"), [("quiet", 3, 0.0, 0.85), ("typical", 5, 0.8, 0.9)])
def test_a_change_of_10_percent_is_found(name, runs, shared, least):
    situation = Situation("pairs are correlated", shared=shared) if shared else STEADY
    found = cell(runs_of(name), runs, 0.1, **judged(), situation=situation)
    assert found.slower >= least
    assert found.same <= 0.05


@pytest.mark.parametrize(
    ("situation", "runs"),
    [(each, runs) for each in SITUATIONS for runs in (1, 5)],
    ids=lambda value: getattr(value, "name", value),
)
def test_equal_versions_are_hardly_ever_called_different_in_real_noise(typical, situation, runs):
    found = cell(typical, runs, 0.0, **judged(100), situation=situation)
    assert found.different <= 0.05  # 1.5 % promised, and the luck of 100 pairs
    assert np.isnan(found.covered) or found.covered >= 0.86


@pytest.mark.parametrize("situation", [each for each in SITUATIONS if not each.interleaved], ids=lambda each: each.name)
def test_sides_of_two_days_are_hardly_ever_called_the_same_when_they_differ(typical, situation):
    assert cell(typical, 5, 0.1, **judged(100), situation=situation).same <= 0.05
