"""A sweep's table: every figure of a stage, its assessment by a rule, and the load sustained."""

import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.capacity.holds import Criterion, broken_itself, measure_hold
from katydid.analysis.derived import with_derived
from katydid.analysis.summary import summarise
from katydid.load.stages import StageRecord
from katydid.runs.rows import MACHINE, TARGET
from katydid.workloads.scale.analysis import ASSESSMENTS, recommended
from rows import FAILED, monitor, samples, started

OBJECTIVE = [{"metric": "failure_rate", "allowed": 0.05}, {"metric": "duration.p95", "allowed": 0.05, "limit_ms": 1e3}]


def stage_rows(stage, users, *, failing=0, duration=100.0, errors=("rate_limited",)):
    """10 s of `users` users with a request a second; `failing` of them fail, with these errors in rotation."""
    return [
        started(
            stage * 20_000.0 + second * 1000.0 + user,
            base=FAILED if user < failing else {"outcome": "ok"} | BASE,
            stage=stage, user=1000 * stage + user, iteration=second, duration_ms=duration, bytes=100,
            **({"error": errors[user % len(errors)]} if user < failing else {}),
        )
        for second in range(10) for user in range(users)
    ]  # fmt: skip


BASE = {k: v for k, v in FAILED.items() if k not in {"outcome", "error", "blame", "detail"}}


def summary_of(*stages, watched=None, rates=None, **more):
    records = [
        {
            "stage": n, "users": users, "begin_ms": n * 20_000.0, "settled_ms": n * 20_000.0,
            "end_ms": n * 20_000.0 + 1e4, "rate": rates[n] if rates else None,
        }
        for n, (users, _) in enumerate(stages)
    ]  # fmt: skip
    rows = [row for n, (users, how) in enumerate(stages) for row in stage_rows(n, users, **how)]
    manifest = {
        "workload": "scale", "plan": "stages", "interval_s": 1.0, "objective": OBJECTIVE, "stages": records,
        "ended": "run-time", **more,
    }  # fmt: skip
    return summarise(samples(*rows), monitor() if watched is None else watched, manifest_with(manifest))


def test_a_stage_has_every_figure():
    watched = pd.concat(
        [
            monitor(10, cpu_percent=20.0),
            monitor(10, process=MACHINE, cpu_percent=55.0, memory_bytes=7),
            monitor(10, process=TARGET, cpu_percent=33.0, memory_bytes=5),
        ],
        ignore_index=True,
    )
    first, second = summary_of((10, {}), (20, {"failing": 5}), watched=watched)["stages"]
    assert (first["users"], first["requests"], first["ok"], first["failed"]) == (10, 100, 100, 0)
    assert (first["success_rate"], first["mean_ms"], first["min_ms"], first["max_ms"]) == (1.0, 100.0, 100.0, 100.0)
    assert (first["p95_ms"], first["p99_ms"]) == (100.0, None), "too few for p99"
    assert first["requests_per_s"] == 10.0
    assert (first["scaling_factor"], first["linear_factor"]) == (1.0, 1.0)
    assert (first["bytes"], first["errors"]) == (10_000, {})
    assert (first["machine_cpu_percent"], first["machine_memory_bytes"]) == (55.0, 7.0)
    assert (first["target_cpu_percent"], first["target_memory_bytes"]) == (33.0, 5.0)
    assert first["generator_cpu_percent"] == 20.0
    assert second["success_rate"] == 0.75
    assert second["errors"] == {"rate_limited": 50}
    assert second["scaling_factor"] == pytest.approx(1.5, rel=0.02)
    assert second["linear_factor"] == pytest.approx(0.75, rel=0.02)


def test_a_days_limit_is_no_minutes_limit_and_unknown_errors_are_neither():
    first, second = summary_of((10, {}), (20, {"failing": 5, "errors": ("rate_limited", "daily_limit", "other")}))[
        "stages"
    ]
    assert first["errors"] == {}
    assert second["errors"] == {"rate_limited": 20, "daily_limit": 20, "other": 10}


def test_what_cannot_be_seen_of_the_target_is_left_out():
    (stage,) = summary_of((10, {}))["stages"]
    assert stage["target_cpu_percent"] is None


def test_every_stage_is_assessed_by_a_rule_that_stands_beside_it():
    stages = summary_of(
        (10, {}), (12, {"duration": 300.0}), (14, {"failing": 3}), (20, {"failing": 15}), (21, {"duration": 1500.0})
    )["stages"]
    assert [s["assessment"] for s in stages] == ["held", "slower", "broken", "collapsed", "broken"]
    rules = {a.word: a.rule for a in ASSESSMENTS}
    assert all(s["rule"] == rules[s["assessment"]] for s in stages)


def test_the_safe_range_ends_where_the_first_stage_breaks():
    found = summary_of((10, {}), (20, {}), (30, {"failing": 10}), (40, {}))["recommended"]
    assert (found["low"], found["high"]) == (20, 30)
    assert "failure rate" in found["why"]
    assert "100 × rate_limited" in found["why"]


def test_where_nothing_breaks_the_range_is_open():
    found = summary_of((10, {}), (20, {}))["recommended"]
    assert (found["low"], found["high"]) == (20, None)


def test_where_the_first_stage_breaks_nothing_is_safe():
    found = summary_of((10, {"failing": 9}))["recommended"]
    assert (found["low"], found["high"]) == (0, 10)


def test_stages_at_rates_are_told_by_them():
    summary = summary_of((10, {}), (20, {"failing": 10}), rates=[10.0, 20.0], schedule="rate", arrivals="even")
    assert [(s["users"], s["rate_per_s"], s["assessment"]) for s in summary["stages"]] == [
        (10, 10.0, "held"),
        (20, 20.0, "broken"),
    ]
    found = summary["recommended"]
    assert (found["low"], found["high"]) == (10.0, 20.0)
    assert found["why"].startswith(
        "all stages up to 10 requests/s met the objective; violated at 20 requests/s: failure rate"
    )


def test_stages_of_a_closed_loop_have_no_offered_load_to_fall_behind():
    summary = summary_of((10, {}), (20, {}), schedule="closed", interval_s=0.0)
    assert [s["assessment"] for s in summary["stages"]] == ["held", "held"]
    assert (summary["metrics"]["offered_per_s"], summary["metrics"]["requests_per_s"]) == (None, 15.0)


def test_without_a_finished_stage_nothing_is_recommended():
    assert recommended([], {}).low == 0


def test_rates_are_over_the_stages_and_not_over_the_pauses_between_them():
    summary = summary_of((10, {}), (20, {}))
    assert summary["seconds"] == 20.0
    assert summary["metrics"]["offered_per_s"] == 15.0
    assert summary["metrics"]["requests_per_s"] == 15.0


def test_only_the_objective_that_really_broke_is_named():
    found = summary_of((10, {}), (20, {"failing": 5}))["recommended"]
    assert "violated at 20 users: failure rate (50" in found["why"]
    slow = summary_of((10, {}), (20, {"duration": 1500.0}))["recommended"]
    assert "violated at 20 users: service time, p95" in slow["why"]
    assert "failure" not in slow["why"]


def test_a_time_that_breaks_beside_failures_is_named_too():
    rows = stage_rows(1, 20, failing=5)
    late = [row | {"duration_ms": 1500.0} if row["outcome"] == "ok" and row["user"] % 2 else row for row in rows]
    record = StageRecord(1, 20, 20_000.0, 20_000.0, 30_000.0)
    frame = with_derived(samples(*late), manifest_with(interval_s=1.0))
    hold = measure_hold(frame, record, 1.0, [Criterion("failure_rate", 0.05), Criterion("duration.p95", 0.05, 1e3)])
    assert broken_itself(hold)[:2] == ("failure_rate", "duration.p95")


def test_failures_are_named_where_no_objective_is_about_them():
    frame = with_derived(samples(*stage_rows(1, 20, failing=5)), manifest_with(interval_s=1.0))
    record = StageRecord(1, 20, 20_000.0, 20_000.0, 30_000.0)
    hold = measure_hold(frame, record, 1.0, [Criterion("duration.p95", 0.05, 1e3)])
    assert (hold.broken, broken_itself(hold)) == (("duration.p95",), ("failures",))


def test_beyond_the_range_a_rate_limit_is_answered_with_patience_or_keys():
    told = summary_of((10, {}), (20, {"failing": 15}))
    assert told["limited_by"] == "rate limit"
    assert told["recommended"]["advice"].startswith("Beyond 10 users: ")
    assert "Retry-After" in told["recommended"]["advice"]
    assert "more keys" in told["recommended"]["advice"]


def test_without_a_limit_there_is_no_advice():
    assert summary_of((10, {}), (20, {}))["recommended"]["advice"] is None
