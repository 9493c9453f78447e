"""Holding back after a refusal."""

import pytest

from katydid.core.backoff import LONGEST, backoff_delay


@pytest.mark.parametrize(("attempt", "most"), [(0, 1.0), (1, 2.0), (4, 16.0), (6, LONGEST), (5000, LONGEST)])
def test_the_delay_is_any_share_of_a_limit_that_doubles(attempt, most):
    assert backoff_delay(attempt, 0.0) == 0.0
    assert backoff_delay(attempt, 0.5) == most / 2


def test_nobody_comes_back_before_the_server_asked_for_it():
    assert backoff_delay(0, 0.25, asked=7.0) == 7.25
