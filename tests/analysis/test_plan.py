"""Workers for a number of streams, and the waiting behind it."""

import math

import pytest

from katydid.analysis.planning import Demand, make_plan
from katydid.model.errors import ConfigError
from katydid.report.plan import plan_section, plan_sentence
from katydid.stats.queueing import wait_quantile


def test_500_streams_of_rtf_a_tenth_need_72_workers_at_70_percent():
    plan = make_plan(Demand(concurrency=500, rtf=0.1, utilisation=0.7))
    assert plan.planned.workers == 72
    assert plan.planned.utilisation == pytest.approx(50 / 72)
    assert plan.planned.wait_probability < 0.01
    assert plan.planned.wait_p95_s == 0.0


def test_slight_queueing_is_the_fewest_workers_within_the_wait():
    plan = make_plan(Demand(concurrency=500, rtf=0.1), slight_wait_s=0.2)
    assert wait_quantile(plan.slight.workers, 50.0, 0.1, 0.95) <= 0.2
    assert wait_quantile(plan.slight.workers - 1, 50.0, 0.1, 0.95) > 0.2


@pytest.mark.parametrize("workers", [300, 5000])
def test_with_far_more_workers_than_streams_nobody_waits(workers):
    plan = make_plan(Demand(concurrency=5, rtf=0.1), workers=workers)
    choice = plan.choices[-1]
    assert (choice.workers, choice.wait_p95_s, choice.wait_p99_s) == (workers, 0.0, 0.0)


def test_a_number_of_workers_that_cannot_keep_up_is_shown_as_such():
    plan = make_plan(Demand(concurrency=500, rtf=0.1), workers=20)
    (choice,) = [c for c in plan.choices if c.workers == 20]
    assert math.isinf(choice.wait_p95_s)
    assert choice.utilisation == pytest.approx(2.5)
    assert choice.burst_s == pytest.approx(2.5)


@pytest.mark.parametrize(
    "wrong",
    [{"concurrency": 0}, {"rtf": -1}, {"rtf": math.nan}, {"variation": -1}, {"concurrency": 1e9}],
)
def test_a_demand_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError):
        Demand(**{"concurrency": 500, "rtf": 0.1} | wrong)


def test_at_full_utilisation_there_are_as_many_workers_as_the_streams_keep_busy():
    plan = make_plan(Demand(concurrency=500, rtf=0.1, utilisation=1))
    assert (plan.planned.workers, plan.planned.utilisation) == (50, 1.0)
    assert math.isinf(plan.planned.wait_p95_s)
    assert "50 workers for 500 streams" in plan_sentence(plan)
    assert "without reserve" in plan_sentence(plan)
    assert "unbounded" not in plan_sentence(plan)


def test_a_load_beyond_all_workers_is_called_what_it_is():
    (table,) = plan_section(make_plan(Demand(concurrency=500, rtf=0.1), workers=20)).tables
    assert dict(zip(table.texts("Workers"), table.texts("Load"), strict=True))["20"] == "250\u00a0%"
    assert ("Load", "250\u00a0%") in table.marked


@pytest.mark.parametrize("utilisation", [0, -0.1, 1.01, math.nan])
def test_a_utilisation_is_a_share(utilisation):
    with pytest.raises(ConfigError, match="more than 0 and at most 1"):
        Demand(concurrency=1, rtf=1, utilisation=utilisation)
