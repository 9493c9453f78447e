"""The row of a request."""

import pytest

from katydid.model.errors import ExitCode, worst
from katydid.model.sample import Blame, ErrorClass, Outcome, Sample


def sample() -> Sample:
    return Sample(request_id="r", user=0, iteration=0, worker="local", name="/", scheduled_ms=0.0)


@pytest.mark.parametrize(
    ("error", "blame"),
    [
        (ErrorClass.TIMEOUT, Blame.TARGET),
        (ErrorClass.RATE_LIMITED, Blame.TARGET),
        (ErrorClass.OUT_OF_DESCRIPTORS, Blame.GENERATOR),
        (ErrorClass.OUT_OF_PORTS, Blame.GENERATOR),
        (ErrorClass.DNS, Blame.CONFIG),
    ],
)
def test_each_failure_has_one_party_to_blame(error, blame):
    row = sample()
    row.fail(error, "why")
    assert (row.outcome, row.blame, row.detail) == (Outcome.FAILED, blame, "why")


def test_a_long_detail_is_cut():
    row = sample()
    row.fail(ErrorClass.OTHER, "x" * 1000)
    assert row.detail == "x" * 200


def test_an_aborted_request_is_nobodys_fault():
    row = sample()
    row.fail(ErrorClass.TIMEOUT, "why")
    row.abort()
    assert (row.outcome, row.error, row.blame, row.detail) == (Outcome.ABORTED, None, None, None)


def test_times_that_do_not_exist_are_none_never_zero():
    row = sample()
    assert [row.start_ms, row.ttft_ms, row.duration_ms, row.gap_mean_ms] == [None] * 4


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), 0),
        ((0, 3), 3),
        ((3, 130), 130),
        ((130, 1), 1),
        ((3, 1), 1),
        ((1, 4), 4),
        ((4, 70), 70),
        ((70, 2), 2),
        ((2, 130), 2),
    ],
)
def test_the_exit_code_of_several_results_follows_the_precedence(codes, expected):
    assert worst(*map(ExitCode, codes)) == expected


def test_a_failure_without_a_text_has_none():
    row = sample()
    row.fail(ErrorClass.EMPTY)
    assert (row.error, row.detail) == (ErrorClass.EMPTY, None)


def test_a_detail_of_just_the_limit_is_whole():
    row = sample()
    row.fail(ErrorClass.OTHER, "x" * 199 + "y")
    assert row.detail == "x" * 199 + "y"


def test_only_these_failures_are_not_the_targets():
    ours = {ErrorClass.OUT_OF_DESCRIPTORS, ErrorClass.OUT_OF_PORTS, ErrorClass.OTHER}
    assert {error for error in ErrorClass if error.blame is Blame.GENERATOR} == ours
    asked_so = {ErrorClass.AUTH_EXPIRED, ErrorClass.DNS, ErrorClass.TLS}
    assert {error for error in ErrorClass if error.blame is Blame.CONFIG} == asked_so
