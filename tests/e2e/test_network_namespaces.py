"""Master, workers and target on hosts of their own: whole, exact, and honest about who was lost."""

import pytest
from distribution import CASES, cluster
from namespaces import why_not

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(autouse=True, scope="module")
def allowed():
    if (reason := why_not()) is not None:
        pytest.skip(f"network namespaces: {reason}")


@pytest.mark.parametrize("case", CASES)
def test_a_run_over_several_hosts_is_as_it_should_be(case):
    with cluster() as made:
        done = CASES[case](made)
    assert done.said
    assert done.wrong == []
