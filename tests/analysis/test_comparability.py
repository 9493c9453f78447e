"""Which seeds two sides may have: pairs have one each, and no pair has another's."""

import pytest

from documents import manifest_with
from katydid.analysis.comparison.comparability import another_load, mismatches

LOAD = {"workload": "stream", "users": 20}


def side(*seeds):
    return [manifest_with(LOAD, options={"seed": seed, "max_tokens": 8}) for seed in seeds]


@pytest.mark.parametrize(
    ("base", "new"),
    [((0,), (0,)), ((0, 1, 2), (2, 1, 0)), ((0, 1, 2), (0, 1)), ((1,), (0, 1)), ((0, 0), (0, 1))],
)
def test_sides_whose_pairs_have_a_seed_each_are_comparable(base, new):
    assert mismatches(side(*base), side(*new)) == []


@pytest.mark.parametrize(("base", "new"), [((0,), (1,)), ((0, 1), (1, 2))])
def test_sides_that_sent_other_requests_are_not(base, new):
    (found,) = mismatches(side(*base), side(*new))
    assert found.key == "option seed"
    assert found.why


def test_runs_of_other_pairs_are_of_the_same_load():
    (one, other) = side(0, 5)
    assert another_load(one, other) == ""
    assert another_load(one, manifest_with(LOAD, users=21, options=other.options)).startswith(
        "users differs (20 and 21)"
    )
