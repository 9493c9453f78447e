"""A workload's history: which runs count, in which order, and where its metrics changed their level."""

import math

import pytest

from documents import manifest_with, summary_with
from katydid.analysis.history import history
from katydid.analysis.summary import RunResult

LOAD = {"workload": "stream", "users": 20, "interval_s": 5}


def run(version, day, value=1000.0, *, users=20, **summary):
    metrics = {"duration.p50": value, "failure_rate": 0.01} | summary.pop("metrics", {})
    told = {"valid": True, "invalid_reasons": [], "partial": False, "counts": {"ok": 9}, "metrics": metrics} | summary
    manifest = LOAD | {"version": version, "users": users, "started_utc": f"2026-11-{day:02}T00:00:00+00:00"}
    return RunResult(f"{version}/{day}", manifest_with(manifest), summary_with(told))


def course(past, name="duration.p50"):
    (found,) = (metric for metric in past.metrics if metric.name == name)
    return found


def nearly(value, number):
    """Some noise of half a percent that does not repeat itself."""
    return value * (1.0 + 0.005 * math.sin(7.3 * number * number))


def stepped(*values):
    return history([run(f"v{i}", i + 1, nearly(value, i)) for i, value in enumerate(values)])


def test_a_version_stands_where_its_first_run_does():
    past = history([run("b", 2), run("a", 3), run("c", 1), run("c", 9)])
    assert [version.name for version in past.versions] == ["c", "b", "a"]
    assert [len(version.runs) for version in past.versions] == [2, 1, 1]


def test_several_runs_are_one_value_their_geometric_mean():
    past = history([run("v", 1, 100.0), run("v", 2, 400.0)])
    assert course(past).values == (pytest.approx(200.0),)


def test_a_share_is_a_mean_and_is_not_searched():
    past = history([run("v", 1, metrics={"failure_rate": 0.0}), run("v", 2, metrics={"failure_rate": 0.02})])
    assert course(past, "failure_rate").values == (0.01,)
    assert course(past, "failure_rate").unsearched == "shares are shown, not searched"


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        ({"valid": False, "invalid_reasons": ["busy"]}, "it is invalid (busy)"),
        ({"partial": True}, "it is partial: it never finished"),
        ({"counts": {"ok": 0}}, "no request succeeded in it"),
        (
            {"users": 30},
            "unlike in the newest run, users differs (30 and 20): a different number of users: not comparable",
        ),
    ],
)
def test_a_run_that_does_not_count_is_named_with_the_reason(summary, why):
    past = history([run("a", 1), run("b", 2, **summary), run("c", 3)])
    assert past.left_out == (f"b/2 is left out: {why}",)
    assert [version.name for version in past.versions] == ["a", "c"]


def test_an_invalid_run_does_not_say_what_the_others_are_compared_by():
    past = history([run("a", 1), run("b", 2, users=30, valid=False)])
    assert [version.name for version in past.versions] == ["a"]


def test_runs_of_which_none_counts_are_no_history():
    past = history([run("a", 1, valid=False)])
    assert (past.versions, past.metrics) == ((), ())


def test_a_change_says_with_which_version_and_how_much():
    (change,) = course(stepped(*[1000.0] * 8, *[1200.0] * 6)).changes
    assert (change.version, change.index, change.verdict) == ("v8", 8, "slower")
    assert change.low < 0.2 < change.high
    assert (change.before, change.after) == (pytest.approx(1000, rel=0.01), pytest.approx(1200, rel=0.01))


def test_less_is_faster_of_times_and_slower_of_rates():
    values = [1000.0] * 8 + [800.0] * 6
    runs = [run(f"v{i}", i + 1, nearly(v, i), metrics={"tokens_per_s": nearly(v, i)}) for i, v in enumerate(values)]
    past = history(runs)
    assert course(past).changes[0].verdict == "faster"
    assert course(past, "tokens_per_s").changes[0].verdict == "slower"


def test_each_version_has_its_level():
    levels = course(stepped(*[1000.0] * 8, *[1200.0] * 6)).levels
    assert [round(level, -1) for level in levels] == [1000] * 8 + [1200] * 6


def test_a_version_without_the_metric_is_passed_over():
    values = [1000.0] * 5 + [None] + [1000.0] * 4 + [1200.0] * 4
    past = history([run(f"v{i}", i + 1, value and nearly(value, i)) for i, value in enumerate(values)])
    assert course(past).values[5] is None
    assert course(past).levels[5] is None
    assert [change.version for change in course(past).changes] == ["v10"]


def test_a_flat_history_has_no_change():
    assert course(stepped(*[1000.0] * 20)).changes == ()


def test_few_versions_are_shown_but_not_searched():
    found = course(stepped(1000.0, 2000.0, 3000.0))
    assert len(found.values) == 3
    assert found.unsearched == "too few versions (3 of 8)"


def test_a_change_is_confirmed_once_the_version_after_shows_it_too():
    values = [*[1000.0] * 8, *[1200.0] * 6]
    told = [course(stepped(*values[:count])).changes for count in range(9, 14)]
    assert [[change.confirmed for change in changes] for changes in told] == [[], [False], [True], [True], [True]]


def test_what_creeps_is_a_trend_with_its_change_a_version():
    found = course(stepped(*(1000.0 * 1.02**number for number in range(14))))
    assert found.changes == ()
    assert (found.trend.verdict, found.trend.confirmed) == ("slower", True)
    assert found.trend.low < 0.02 < found.trend.high
    assert found.trend.whole == pytest.approx(1.02**13 - 1.0, rel=0.05)
    assert found.levels[-1] == pytest.approx(1000.0 * 1.02**13, rel=0.02)


def test_a_trend_passes_over_versions_without_the_metric():
    values = [1000.0 * 1.02**number for number in range(14)]
    values[5] = None
    found = history([run(f"v{i}", i + 1, value and nearly(value, i)) for i, value in enumerate(values)])
    assert course(found).levels[5] is None
    assert course(found).trend.verdict == "slower"
