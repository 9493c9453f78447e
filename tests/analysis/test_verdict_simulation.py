"""The promise on verdicts, on few simulated pairs; benchmarks/simulate_verdicts.py has the whole table."""

import numpy as np
import pytest
from simulate_verdicts import HISTORY, LEVELS, Failing, cell, pool

from katydid.analysis.comparison.compare import CompareSettings

PAIRS = 300


def judged(pairs=PAIRS):
    return {"pairs": pairs, "random": np.random.default_rng(11), "settings": CompareSettings()}


@pytest.fixture(scope="module", params=list(LEVELS))
def level(request):
    return request.param, pool(LEVELS[request.param], np.random.default_rng(5))


@pytest.fixture(scope="module")
def typical():
    return pool(LEVELS["typical"], np.random.default_rng(5))


@pytest.mark.parametrize("runs", [1, 3, 5])
def test_equal_versions_are_hardly_ever_called_different(level, runs):
    name, drawn = level
    found = cell(drawn, runs, 0.0, **judged())
    assert found.different <= 0.03, name  # 1 % promised, and the luck of 300 pairs
    assert 0.91 <= found.covered <= 0.985, name


@pytest.mark.parametrize("failing", [Failing(0.01, 0.01), Failing(0.05, 0.05, burst=4), Failing(0.05, 0.05, burst=20)])
@pytest.mark.parametrize(("runs", "history", "most"), [(1, 0, 0.01), (1, HISTORY, 0.05), (3, HISTORY, 0.03)])
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
@pytest.mark.parametrize("history", [0, HISTORY])
def test_a_version_that_fails_more_is_found(typical, runs, failing, history):
    assert cell(typical, runs, 0.0, failing=failing, history=history, **judged(100)).slower >= 0.98


@pytest.mark.parametrize(("name", "runs", "shared", "least"), [("quiet", 3, 0.0, 0.9), ("typical", 5, 0.8, 0.9)])
def test_a_change_of_10_percent_is_found(name, runs, shared, least):
    drawn = pool(LEVELS[name], np.random.default_rng(5))
    found = cell(drawn, runs, 0.1, **judged(), shared=shared)
    assert found.slower >= least
    assert found.same <= 0.05
