"""Versions compared by where the failure threshold stopped them."""

import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.comparison.estimates import RunData
from katydid.analysis.comparison.sides import NOT_INTERLEAVED
from katydid.analysis.comparison.stops import compare_stops
from katydid.model.documents.comparison import CompareSettings

RAMP = {"failure_threshold": 5, "users": 500, "spawn_rate": 10, "ramp_per_s": 10.0, "interval_s": 20.0}


def run(users, *, ramp=RAMP, **manifest):
    """One that was stopped at so many users; None: it was not."""
    facts = ramp | {"ended": "run-time" if users is None else "failure-threshold"} | manifest
    at_stop = None if users is None else float(users)
    requests = None if users is None else users + 40.0
    metrics = {
        "users_at_stop": at_stop, "in_flight_at_stop": at_stop and users - 105.0, "requests_at_stop": requests,
        "ok_at_stop": requests and requests - 5, "time_to_stop": at_stop and users * 100.0,
    }  # fmt: skip
    return RunData("folder", manifest_with(facts), pd.DataFrame(), summary_with(metrics=metrics))


def compared(base, new, *, interleaved=True, **manifest):
    sides = [[run(users, **manifest) for users in side] for side in (base, new)]
    return compare_stops(*sides, CompareSettings(), interleaved=interleaved)


OLD, NEW = (242, 243, 244, 243, 242), (255, 254, 255, 256, 254)


def test_five_runs_a_side_tell_a_few_percent_of_users():
    stops = compared(OLD, NEW)
    users = stops.rows[0]
    assert stops.verdict == users.verdict == "faster"
    assert (users.name, users.primary) == ("users_at_stop", True)
    assert users.low > 0
    one_user = 1 / 243
    assert users.low - one_user < 12 / 243 < users.high + one_user
    assert [row.name for row in stops.rows[1:]] == [
        "in_flight_at_stop", "requests_at_stop", "ok_at_stop", "time_to_stop"
    ]  # fmt: skip
    assert {row.verdict for row in stops.rows} == {"faster"}
    assert (
        "243 users and 255 (+4.9\u00a0%), 138 in flight and 150 (+8.7\u00a0%), 283 requests and 295 (+4.2\u00a0%)"
        in stops.reasons[0]
    )


def test_fewer_users_are_worse():
    assert compared(NEW, OLD).verdict == "slower"


def test_the_same_users_again_are_no_difference():
    stops = compared(OLD, OLD[::-1])
    assert stops.verdict == "no_difference"


def test_runs_that_are_all_alike_are_known_to_a_user_and_not_better():
    users = compared([243] * 5, [243] * 5).rows[0]
    assert users.verdict == "no_difference"
    assert users.high - users.low > 0.5 / 243
    assert compared([243] * 5, [244] * 5).verdict == "no_difference", "a user is not worth a word"


def test_one_run_a_side_gives_both_figures_and_what_it_would_take():
    stops = compared([243], [255])
    users = stops.rows[0]
    assert stops.verdict == "cannot_tell"
    assert (round(users.base), round(users.new), users.low) == (243, 255, None)
    assert users.runs_needed > 1
    assert f"one run each cannot tell; make about {users.runs_needed} of each" in stops.reasons[0]


def test_noisy_runs_say_how_many_it_takes():
    stops = compared((230, 260, 243), (240, 275, 250))
    assert stops.verdict == "cannot_tell"
    assert stops.rows[0].runs_needed > 3


@pytest.mark.parametrize(
    ("base", "new", "verdict", "bound", "text"),
    [
        pytest.param([243], [None], "faster", "lower", "at least +106\u00a0% users", id="the new one held them all"),
        pytest.param([None], [243], "slower", "upper", "at least \u221251\u00a0% users", id="the old one did"),
        pytest.param(OLD, [None] * 5, "faster", "lower", "at least +106\u00a0% users", id="five a side"),
        pytest.param([490], [None], "cannot_tell", "lower", "use more users", id="nearly all, in one run"),
        pytest.param([500], [None], "cannot_tell", "lower", "use more users", id="all there anyway"),
        pytest.param([243] * 3, [None, 400, None], "faster", "lower", "(1 of its 3 runs stopped)", id="most of them"),
    ],
)
def test_a_version_that_was_not_stopped_held_at_least_its_users(base, new, verdict, bound, text):
    stops = compared(base, new)
    (users,) = stops.rows
    assert (stops.verdict, users.verdict, users.bound) == (verdict, verdict, bound)
    assert getattr(users, "high" if bound == "lower" else "low") is None
    assert text in stops.reasons[0]


def test_runs_that_came_to_their_end_are_compared_as_usual():
    assert compared([None], [None]).reasons == compared([None], [None]).rows == []


def test_where_both_held_all_in_some_runs_nothing_tells_them_apart():
    stops = compared([243, None], [None, 255])
    assert stops.rows == []
    assert "use more of them" in stops.reasons[0]


@pytest.mark.parametrize("new", [[255], [None]])
def test_users_that_came_all_at_once_decide_nothing(new):
    stops = compared([243], new, ramp_per_s=None)
    assert stops.rows == []
    assert "--ramp" in stops.reasons[0]


@pytest.mark.parametrize(
    "other",
    [
        {"spawn_rate": 20}, {"failure_threshold": 9}, {"users": 800}, {"interval_s": 10.0}, {"ramp_per_s": 20.0},
        {"request_timeout_s": 9.0}, {"idle_timeout_s": 9.0},
    ],
)  # fmt: skip
def test_other_ramps_are_not_compared(other):
    changed = run(255, ramp=RAMP | other)
    stops = compare_stops([run(243)], [changed], CompareSettings(), interleaved=False)
    assert stops.rows == []
    assert "on different ramps" in stops.reasons[0]


def test_runs_of_before_ramps_were_recorded_are_compared_too():
    before = {key: value for key, value in RAMP.items() if key != "ramp_per_s"}
    sides = [[run(users, ramp=before)] for users in (243, 255)]
    assert compare_stops(*sides, CompareSettings(), interleaved=False).rows


def days(*users):
    """Earlier runs, two a day."""
    return [[run(each), run(each)] for each in users]


@pytest.mark.parametrize(("base", "new"), [(OLD, NEW), (OLD, [None] * 5), ([None] * 5, OLD), ([243], [None])])
def test_sides_that_were_not_interleaved_are_not_told_apart(base, new):
    stops = compared(base, new, interleaved=False)
    users = stops.rows[0]
    assert (stops.verdict, users.verdict) == ("cannot_tell", "cannot_tell")
    assert users.reason == NOT_INTERLEAVED
    assert users.change is not None


@pytest.mark.parametrize(
    ("earlier", "verdict"),
    [
        ((240, 243), "cannot_tell"),  # two days do not tell how days differ
        ((243, 242, 244, 243, 243, 242, 243), "faster"),
        ((243, 300, 200, 260, 220, 280, 210), "cannot_tell"),
    ],
)
@pytest.mark.parametrize("new", [[255] * 5, [None] * 5])
def test_earlier_days_tell_how_much_the_users_of_one_differ_from_the_next(earlier, verdict, new):
    if new[0] is None:  # who held twice as many, beside which days matter less
        earlier = [users**6 / 243**5 for users in earlier]
    sides = [[run(users) for users in side] for side in (OLD, new)]
    stops = compare_stops(*sides, CompareSettings(), interleaved=False, days=days(*earlier))
    assert stops.verdict == verdict
    assert stops.decide == (verdict == "faster" or new[0] is not None)


def test_days_on_another_ramp_tell_nothing():
    sides = [[run(users) for users in side] for side in (OLD, NEW)]
    other = [[run(243, ramp=RAMP | {"users": 800})] for _ in range(7)]
    stops = compare_stops(*sides, CompareSettings(), interleaved=False, days=other)
    assert stops.verdict == "cannot_tell"
