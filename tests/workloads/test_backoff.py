"""Holding back after a refusal."""

import pytest

from katydid.workloads.batch.user import LONGEST_S, backoff_delay


@pytest.mark.parametrize(("attempt", "most"), [(0, 1.0), (1, 2.0), (4, 16.0), (6, LONGEST_S), (5000, LONGEST_S)])
def test_the_delay_is_any_share_of_a_limit_that_doubles(attempt, most):
    assert backoff_delay(attempt, 0.0) == 0.0
    assert backoff_delay(attempt, 0.5) == most / 2


def test_nobody_comes_back_before_the_server_asked_for_it():
    assert backoff_delay(0, 0.25, retry_after=7.0) == 7.25


@pytest.mark.parametrize("asked", [None, 0.0])
def test_a_server_that_asks_for_nothing_leaves_the_delay_as_it_is(asked):
    assert backoff_delay(3, 0.5, asked) == 4.0


def test_what_the_server_asks_for_comes_on_top_so_that_clients_do_not_return_together():
    assert [backoff_delay(2, luck, retry_after=10.0) for luck in (0.0, 0.5)] == [10.0, 12.0]
