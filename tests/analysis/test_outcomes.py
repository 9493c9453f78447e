"""Runs that the failure threshold ended, side by side: what may be said of where it did."""

import pandas as pd
import pytest

from katydid.analysis.estimates import RunData
from katydid.analysis.outcomes import outcome_of, outcome_reasons

ROWS = pd.DataFrame({"outcome": ["failed", "ok", "failed", "failed"], "after_stop": [False, False, False, True]})


def run(*, ended="failure-threshold", users=100, requests=1000, **manifest):
    facts = {"ended": ended, "failure_threshold": 5, "users": 500, "spawn_rate": 10, "stopped_at_ms": 2500.0}
    counts = {"all": requests + 7, "after_stop": 7}
    summary = {"counts": counts, "users_at_stop": users}
    return RunData("folder", facts | manifest, ROWS, summary)


def test_an_outcome_is_what_came_before_the_stop():
    assert outcome_of(run()) == {
        "run": "folder",
        "ended": "failure-threshold",
        "failure_threshold": 5,
        "users": 100,
        "requests": 1000,
        "failed": 2,
        "failure_rate": 0.002,
        "seconds": 2.5,
    }


def test_what_does_not_exist_is_none():
    told = outcome_of(run(users=None, requests=0, stopped_at_ms=None))
    assert (told["users"], told["failure_rate"], told["seconds"]) == (500, None, None)


def test_runs_that_came_to_their_end_need_no_words():
    assert outcome_reasons([run(ended="run-time")], [run(ended="run-time")]) == []


def test_a_version_that_was_stopped_did_not_hold_the_load():
    (reason,) = outcome_reasons([run(ended="run-time")] * 2, [run(), run(ended="run-time")])
    assert reason == (
        "the failure threshold stopped 0 of 2 runs of BASE and 1 of 2 of NEW: "
        "times are of what came before; a version that is stopped did not hold this load"
    )


@pytest.mark.parametrize("other", [{"spawn_rate": 20}, {"failure_threshold": 9}, {"users": 800}])
def test_other_ramps_are_not_compared_by_where_they_stopped(other):
    changed = run()
    changed.manifest.update(other)
    (reason,) = outcome_reasons([run()], [changed])
    assert reason == "the failure threshold stopped both, on different ramps: where it did cannot be compared"


def test_one_run_each_cannot_tell():
    (reason,) = outcome_reasons([run(users=100)], [run(users=120, requests=900)])
    assert reason.startswith(
        "the failure threshold stopped both: 100 users and 120 (+20%), 1000 requests and 900 (-10%): "
        "one run each cannot tell"
    )


def test_several_runs_give_an_index_and_the_mean_stands_in_it():
    (reason,) = outcome_reasons([run(users=100), run(users=200)], [run(users=300)] * 2)
    assert "150 users and 300 (+100%)" in reason
    assert reason.endswith("an index of capacity, not the capacity: katydid capacity searches that")


def test_figures_that_a_side_lacks_are_left_out():
    (reason,) = outcome_reasons([run(requests=0, users=50)], [run(users=50)])
    assert reason.startswith("the failure threshold stopped both: 50 users and 50 (+0%): one run")
