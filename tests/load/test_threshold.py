"""When a run must stop."""

import pytest

from katydid.load.threshold import FailureThreshold, RequestShare


def test_exactly_the_first_n_failures_belong_to_the_run():
    threshold = FailureThreshold(3)
    assert [threshold.admit(("a", n)) for n in range(6)] == [True, True, True, False, False, False]
    assert threshold.failures == 3


def test_the_run_stops_at_the_nth_failure_not_before():
    threshold = FailureThreshold(2)
    threshold.admit(1)
    assert not threshold.reached
    threshold.admit(2)
    assert threshold.reached


def test_zero_never_stops_and_still_counts():
    threshold = FailureThreshold(0)
    assert all(threshold.admit(n) for n in range(1000))
    assert not threshold.reached
    assert threshold.failures == 1000


def test_a_ticket_that_is_asked_about_again_gets_the_same_answer_and_counts_once():
    threshold = FailureThreshold(2)
    assert threshold.admit(("worker", 1))
    assert threshold.admit(("worker", 1))
    assert threshold.failures == 1
    assert threshold.admit(("worker", 2))
    assert not threshold.admit(("worker", 3))
    assert threshold.admit(("worker", 2))


def test_as_many_failures_again_after_the_stop_are_enough():
    threshold = FailureThreshold(3)
    for n in range(5):
        threshold.admit(n)
    assert (threshold.failures, threshold.later, threshold.hopeless) == (3, 2, False)
    threshold.admit(4)
    assert not threshold.hopeless, "the same failure again"
    threshold.admit(5)
    assert (threshold.failures, threshold.later, threshold.hopeless) == (3, 3, True)


def test_without_a_limit_nothing_is_hopeless():
    threshold = FailureThreshold(0)
    for n in range(100):
        threshold.admit(n)
    assert (threshold.later, threshold.hopeless) == (0, False)


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("requests", [1, 7, 1000])
def test_processes_share_the_requests_of_a_run_exactly(requests, processes):
    shares = [RequestShare(requests, rank, processes) for rank in range(processes)]
    taken = [sum(share.take() for _ in range(requests + 1)) for share in shares]
    assert sum(taken) == requests
    assert max(taken) - min(taken) <= 1
    assert all(share.spent for share in shares)


def test_without_a_number_of_requests_there_is_always_one_more():
    share = RequestShare(None)
    assert all(share.take() for _ in range(1000))
    assert not share.spent
