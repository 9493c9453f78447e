"""Housekeeping that dies is told at once; what ends as it should is not."""

import gevent
import pytest

from katydid.engine.housekeeping import Housekeeping


@pytest.fixture
def deaths():
    return []


@pytest.fixture
def housekeeping(deaths):
    keeping = Housekeeping(lambda name, why: deaths.append((name, why)))
    yield keeping
    keeping.end()


def fail(error):
    raise error


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), KeyError("x"), gevent.Timeout(1)])
def test_one_that_dies_is_told_with_its_reason(housekeeping, deaths, error):
    housekeeping.spawn("the monitor", fail, error).join()
    ((name, why),) = deaths
    assert name == "the monitor"
    assert why.startswith(type(error).__name__)


def test_one_that_ends_or_is_killed_is_not(housekeeping, deaths):
    housekeeping.spawn("the watch", int).join()
    forever = housekeeping.spawn("the writer", gevent.sleep, 60)
    gevent.sleep(0)
    housekeeping.end()
    assert forever.dead
    assert deaths == []


def test_what_is_done_here_and_now_fails_in_the_same_way(housekeeping, deaths):
    housekeeping.guard("the live view", fail, ValueError("no"))
    assert deaths == [("the live view", "ValueError: no")]
