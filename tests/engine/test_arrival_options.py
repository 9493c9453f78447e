"""When requests start, as a person asks for it: an interval, a closed loop or a rate, and what of it makes no sense."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.options.load import check_load, spawn_rate_of, users_of
from katydid.load.pacing import Mode
from katydid.model.errors import ConfigError
from katydid.workloads.burst import BurstOptions
from katydid.workloads.session import SessionOptions

USERS = [SimpleNamespace(ends_itself=False, workload="stream", default_users=1)]


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        (RunOptions(), Mode.PACED),
        (RunOptions(interval=0.0), Mode.CLOSED),
        (RunOptions(concurrency=64), Mode.CLOSED),
        (RunOptions(rate=50.0), Mode.RATE),
        (SessionOptions(interval=0.0), Mode.CLOSED),
        (BurstOptions(), Mode.PACED),
    ],
)
def test_what_decides_when_a_request_is_due(options, mode):
    assert options.mode is mode


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        (RunOptions(interval=5.0), {"interval_s": 5.0}),
        (RunOptions(concurrency=64), {"interval_s": 0.0, "schedule": "closed"}),
        (
            RunOptions(rate=50.0, arrivals="poisson", ramp=5.0),
            {
                "interval_s": None,
                "phase": None,
                "phase_asked": None,
                "schedule": "rate",
                "rate_per_s": 50.0,
                "arrivals": "poisson",
                "rate_ramp_per_s": 5.0,
            },
        ),
    ],
)
def test_the_manifest_says_it(options, facts):
    assert options.arrival_facts() == facts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions(interval=5.0, rate=50.0), "--interval 5 and --rate 50 are mutually exclusive: give one of them"),
        (RunOptions(interval=0.0, rate=50.0), "--interval 0 and --rate 50 are mutually exclusive"),
        (RunOptions(interval=5.0, concurrency=8), "--interval 5 and --concurrency 8 are mutually exclusive"),
        (RunOptions(rate=5.0, concurrency=8), "--concurrency 8 and --rate 5 are mutually exclusive"),
        (RunOptions(arrivals="poisson"), "--arrivals applies only to a rate: give --rate"),
        (RunOptions(drop_late=1.0), "--drop-late applies only to a rate or a trace"),
        (RunOptions(rate=5.0, arrivals="random"), "--arrivals 'random' is not one of even, poisson, gamma(CV)"),
        (RunOptions(rate=5.0, phase="burst"), "--phase burst does not apply to --rate"),
    ],
)
def test_contradictions_are_refused_by_the_options_names(options, message):
    with pytest.raises(ConfigError) as refused:
        options.check_arrivals(USERS)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(),
        RunOptions(interval=0.0, concurrency=8),
        RunOptions(rate=5.0, arrivals="gamma(2)", drop_late=1.0, ramp=1.0),
    ],
)
def test_what_fits_together_is_taken(options):
    options.check_arrivals(USERS)


@pytest.mark.parametrize("asked", [{"rate": 5.0}, {"concurrency": 5}, {"requests": 5}])
@pytest.mark.parametrize(
    ("users", "message"),
    [
        ([], "the locustfile has no user of Katydid's"),
        ([SimpleNamespace(ends_itself=True, workload="burst")], "the workload burst sets its own start times"),
    ],
)
def test_users_that_have_times_of_their_own_take_none_from_the_options(asked, users, message):
    with pytest.raises(ConfigError, match=message):
        RunOptions(**asked).check_arrivals(users)


@pytest.mark.parametrize(
    ("asked", "users"),
    [
        ({}, 1),
        ({"num_users": 7}, 7),
        ({"concurrency": 64}, 64),
        ({"concurrency": 64, "num_users": 64}, 64),
        ({"rate": 1.0}, 100),
        ({"rate": 50.0}, 1000),
        ({"rate": 5000.0}, 2000),
        ({"rate": 50.0, "num_users": 8}, 8),
    ],
)
def test_users_are_those_of_the_loop_or_a_generous_pool(asked, users):
    one = SimpleNamespace(default_users=1, busy_seconds=lambda _: 20.0)
    assert users_of(parsed(**asked), [one]) == users


def test_a_pool_is_the_larger_the_longer_what_it_serves_may_take():
    slow = SimpleNamespace(default_users=1, busy_seconds=lambda _: 100.0)
    assert users_of(parsed(rate=5.0), [slow]) == 500


def test_users_and_concurrency_are_the_same_thing():
    with pytest.raises(ConfigError, match="--users 5 and --concurrency 64 contradict each other"):
        check_load(parsed(num_users=5, concurrency=64))
    check_load(parsed(num_users=64, user_count="64", concurrency="64"))


def test_a_pool_comes_at_once_whatever_the_ramp_of_its_rate():
    assert spawn_rate_of(parsed(num_users=1000, rate=50.0, ramp=5.0)) == 1000.0


def parsed(**asked):
    return SimpleNamespace(
        **{"num_users": None, "spawn_rate": None, "ramp": 0.0, "concurrency": None, "rate": None, "trace": None} | asked
    )


@pytest.mark.parametrize(
    ("options", "users", "refused"),
    [
        (RunOptions(rate=5.0), 1, True),
        (RunOptions(requests=5), 1, True),
        (RunOptions(requests=5), 2, False),
        (RunOptions(), 1, False),
        (RunOptions(rate=5.0), None, False),
    ],
)
def test_each_process_has_users_for_its_part_of_the_requests(options, users, refused):
    expected = pytest.raises(ConfigError, match=r"^--users 1 is too few for --r") if refused else nullcontext()
    with expected:
        options.check_processes(users, 2)


@pytest.mark.parametrize(
    ("options", "run_time", "users", "seconds"),
    [
        (RunOptions(), 200.0, 10, 20.0),
        (RunOptions(), 20.0, 10, 4.0),
        (RunOptions(), None, 10, 20.0),
        (RunOptions(concurrency=8), 60.0, 8, 12.0),
        (RunOptions(rate=50.0), 600.0, 100, 20.0),
        (RunOptions(rate=50.0, requests=500), None, 100, 2.0),
        (RunOptions(interval=1.0, requests=10), None, 10, 0.2),
        (RunOptions(concurrency=8, requests=500), None, 8, 0.0),
    ],
)
def test_the_warm_up_is_an_interval_at_most_a_fifth_of_the_time_that_is_expected(options, run_time, users, seconds):
    assert options.warm_up_seconds(run_time, users) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("asked", "staged", "flag"),
    [({"requests": 5}, True, "--requests 5"), ({"rate": 5.0}, False, "--rate 5"), ({"concurrency": 5}, False, "--con")],
)
def test_a_load_shape_says_itself_what_its_users_do(asked, staged, flag):
    with pytest.raises(ConfigError, match=f"^{flag}.*: a load shape sets its users itself"):
        RunOptions(**asked).check_shape(staged=staged)
