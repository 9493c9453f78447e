"""The promise on verdicts, on few simulated pairs; benchmarks/simulate_verdicts.py has the whole table."""

import numpy as np
import pytest
from simulate_verdicts import LEVELS, cell, pool

from katydid.analysis.comparison import CompareSettings

PAIRS = 300


def judged():
    return {"pairs": PAIRS, "random": np.random.default_rng(11), "settings": CompareSettings()}


@pytest.fixture(scope="module", params=list(LEVELS))
def level(request):
    return request.param, pool(LEVELS[request.param], np.random.default_rng(5))


@pytest.mark.parametrize("runs", [1, 3, 5])
def test_equal_versions_are_hardly_ever_called_different(level, runs):
    name, drawn = level
    found = cell(drawn, runs, 0.0, **judged())
    assert found.different <= 0.03, name  # 1 % promised, and the luck of 300 pairs
    assert 0.91 <= found.covered <= 0.985, name


@pytest.mark.parametrize(("name", "runs", "shared", "least"), [("quiet", 3, 0.0, 0.9), ("typical", 5, 0.8, 0.9)])
def test_a_change_of_10_percent_is_found(name, runs, shared, least):
    drawn = pool(LEVELS[name], np.random.default_rng(5))
    found = cell(drawn, runs, 0.1, **judged(), shared=shared)
    assert found.slower >= least
    assert found.same <= 0.05
