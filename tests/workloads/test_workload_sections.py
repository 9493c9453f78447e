"""The parts of a report that only some workloads have: every figure with its unit, what broke marked as broken."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.definitions import STATISTICS, DefinitionFinding
from katydid.analysis.speech_theory import QueueFigures, TheoryComparison
from katydid.model.formatting import number
from katydid.report.build import definitions_section
from katydid.report.capacity import capacity_section
from katydid.report.model import Material
from katydid.report.plan import theory_section
from katydid.workloads.resilience.section import resilience_section
from katydid.workloads.scale.section import scale_section

NAN = float("nan")


def rows(table):
    return [[cell.text for cell in cells] for cells in table.cells]


def material(summary, frame=None, **manifest):
    return Material(
        manifest_with(manifest), summary_with(summary), pd.DataFrame() if frame is None else frame, pd.DataFrame()
    )


# Resilience

LOAD = pd.DataFrame(
    {
        "role": [None, None, None, "kill", None],
        "outcome": ["ok", "failed", "ok", "ok", "aborted"],
        "start_ms": [0.0, 500.0, np.nan, 900.0, 900.0],
        "scheduled_ms": [0.0, 500.0, 1200.0, 900.0, 900.0],
        "duration_ms": [100.0, np.nan, 900.0, 1.0, 5000.0],
    }
)
CHECK = {"name": "it recovered", "passed": True, "value": "after 2.0 s", "limit": "at all"}
TOLD = {
    "outage_s": 2.345,
    "recovery_s": None,
    "failed_requests": 7,
    "events": [{"what": "kill", "at_s": 0.9, "detail": "killed 7, 8", "outcome": "ok"}],
}


def test_a_run_of_another_workload_has_no_resilience():
    assert resilience_section(material({})) is None


@pytest.mark.parametrize(("workload", "title"), [("chaos", "Chaos: workers were killed"), ("mine", "mine")])
def test_the_rules_stand_first_and_what_it_did_beneath(workload, title):
    section = resilience_section(material({"resilience": TOLD, "checks": [CHECK]}, LOAD, workload=workload))
    rules, deeds, facts = section.tables
    assert rows(deeds) == [["900\u00a0ms", "kill", "killed 7, 8", "done"]]
    assert (section.title, list(section.text)) == (title, ["All rules met."])
    assert (rows(rules), rules.marked) == ([["it recovered", "met", "after 2.0 s", "at all"]], [])
    assert rows(facts) == [
        ["streams that failed after the first kill", "7"],
        ["longest time without a result, s", "2.35"],
        ["recovery time after the last kill, s", "–"],
    ]


def test_the_normal_loads_failures_are_in_the_first_sentence_of_a_storm():
    storm = {"clients": 20, "load_meanwhile": 10, "load_turned_away": 10, "load_failed": 0, "events": []}
    section = resilience_section(material({"resilience": storm, "checks": [CHECK]}, LOAD, workload="storm"))
    (sentence,) = section.text
    assert (
        "Of 10 streams of the normal load during the storm, the target rejected 10, and 0 failed otherwise." in sentence
    )


def test_a_deed_that_failed_is_marked_and_a_storm_says_how_many():
    failed = {"what": "kill", "at_s": 0.9, "detail": "7: no such process", "outcome": "failed"}
    came = {"what": "storm", "at_s": 4.0, "detail": None, "outcome": "ok"}
    section = resilience_section(
        material({"resilience": {"clients": 2000, "events": [failed, came]}, "checks": []}, LOAD)
    )
    deeds = section.tables[1]
    assert deeds.texts("Detail") == ["7: no such process", "2,000 clients at once"]
    assert deeds.texts("Result") == ["failed", "done"]
    assert deeds.marked == [("Result", "failed")]


def test_the_success_rate_before_during_and_after_has_a_table():
    parts = {name: {"streams": 40, "rate": rate} for name, rate in (("before", 1.0), ("during", 0.55), ("after", None))}
    told = {"success": parts, "events": []}
    section = resilience_section(material({"resilience": told, "checks": []}, LOAD))
    assert rows(section.tables[1]) == [
        ["before", "100\u00a0%", "40"], ["during", "55\u00a0%", "40"], ["after", "–", "40"]
    ]  # fmt: skip


def test_a_rule_that_was_broken_is_named_and_marked():
    checks = [CHECK, CHECK | {"name": "no outage", "passed": False}]
    section = resilience_section(material({"resilience": {"events": []}, "checks": checks}, LOAD))
    assert list(section.text) == ["Violated: no outage."]
    (rules,) = section.tables
    assert rules.marked == [("Result", "VIOLATED")]


def test_results_are_counted_in_the_second_in_which_they_came_without_what_was_done_to_the_target():
    section = resilience_section(material({"resilience": TOLD, "checks": []}, LOAD))
    (chart,) = section.charts
    assert chart.lines[0].points == [(0.5, 1.0), (1.5, 0.0), (2.5, 1.0), (3.5, 0.0)]
    assert list(chart.bars[0].heights) == [1, 0, 0, 0]
    assert [(mark.label, mark.x) for mark in chart.marks] == [("kill", 0.9)]


def test_a_run_that_ended_before_anything_was_done_has_its_section():
    told = {"resilience": {"events": []}, "checks": []}
    assert len(resilience_section(material(told, LOAD.drop(columns="role"))).charts) == 1


def test_without_any_result_there_is_no_picture():
    section = resilience_section(material({"resilience": TOLD, "checks": []}, LOAD[LOAD["role"].notna()]))
    assert list(section.charts) == []


# A sweep

FIRST = {
    "stage": 0,
    "users": 100,
    "seconds": 60.0,
    "requests": 1500,
    "ok": 1500,
    "failed": 0,
    "aborted": 0,
    "success_rate": 1.0,
    "mean_ms": 100.0,
    "min_ms": 50.0,
    "p50_ms": 90.0,
    "p90_ms": 150.0,
    "p95_ms": 200.0,
    "p99_ms": None,
    "max_ms": 1500.0,
    "assessment": "healthy",
    "rule": "all is well",
    "broken": [],
    "requests_per_s": 25.0,
    "ok_per_s": 25.0,
    "scaling_factor": 1.0,
    "linear_factor": 1.0,
    "bytes": 3 * 2**20,
    "machine_cpu_percent": 55.4,
    "machine_memory_bytes": 2**30,
    "generator_cpu_percent": 20.0,
    "target_cpu_percent": None,
    "target_memory_bytes": None,
    "errors": {},
}
SECOND = FIRST | {
    "users": 200,
    "success_rate": 0.5,
    "assessment": "collapsed",
    "ok_per_s": 30.0,
    "scaling_factor": 1.2,
    "linear_factor": 0.6,
    "requests_per_s": None,
    "errors": {"timeout": 750},
}


def sweep(*stages, low=100, high=200):
    return material(
        {
            "stages": list(stages),
            "recommended": {"low": low, "high": high, "why": "failures at 200 users"},
            "objective": ["failure_rate < 5%", "duration.p95 < 1 s"],
            "limited_by": "the target",
            "evidence": "it answered 30 a second",
        }
    )


@pytest.mark.parametrize("summary", [{}, {"stages": []}, {"stages": [FIRST]}])
def test_a_run_without_a_sweep_has_no_such_section(summary):
    assert scale_section(material(summary)) is None


@pytest.mark.parametrize(
    ("low", "high", "title"),
    [
        (100, 200, "Sustained up to 100 users; the limit is below 200"),
        (200, None, "Sustained up to 200 users (limit not reached)"),
        (0, 100, "Sustained load: none; even 100 users are too many"),
        (0, None, "Sustained load: none"),
    ],
)
def test_the_safe_range_is_the_heading(low, high, title):
    assert scale_section(sweep(FIRST, SECOND, low=low, high=high)).title == title


def test_a_sweep_says_why_by_what_objective_and_what_limited_it():
    assert list(scale_section(sweep(FIRST, SECOND)).text) == [
        "Failures at 200 users.",
        "Objective: failure rate < 5%; service time, p95 < 1 s; throughput keeps up with the offered load.",
        "Limited by: the target. It answered 30 a second.",
    ]


def test_each_stage_has_its_row_in_every_table_and_what_broke_is_marked():
    answers, scaling, resources, errors, rules = scale_section(sweep(FIRST, SECOND)).tables
    assert rows(answers)[0] == [
        "100", number(1500), "100\u00a0%", "100\u00a0ms", "50.0\u00a0ms", "90.0\u00a0ms", "200\u00a0ms", "–",
        "1.50\u00a0s", "healthy",
    ]  # fmt: skip
    assert [name for name, _ in answers.marked] == ["Assessment"]
    assert rows(scaling) == [
        ["100", "25.0\u00a0/s", "25.0\u00a0/s", "1.00\u00a0×", "100\u00a0%", "3\u00a0MiB"],
        ["200", "–", "30.0\u00a0/s", "1.20\u00a0×", "60\u00a0%", "3\u00a0MiB"],
    ]
    assert rows(resources)[0] == ["100", "55.4\u00a0%", f"{number(1024)}\u00a0MiB", "20\u00a0%", "–", "–"]
    assert (errors.texts("Users"), errors.texts("timeout")) == (["100", "200"], ["0", "750"])
    assert errors.marked == [("timeout", "750")]
    assert rules.in_terminal is False


def test_a_sweep_without_failures_says_so_with_a_column_of_zeros():
    errors = scale_section(sweep(FIRST, FIRST | {"users": 200})).tables[3]
    assert errors.texts("failures") == ["0", "0"]


def test_throughput_is_drawn_beside_what_it_would_be_if_it_grew_with_the_users():
    (chart,) = scale_section(sweep(FIRST, SECOND)).charts
    linear, answered = chart.lines
    assert [linear.points[0], linear.points[-1]] == [pytest.approx((100.0, 25.0)), pytest.approx((200.0, 50.0))]
    assert all(y == pytest.approx(x / 4) for x, y in linear.points), "a curve, since the axis is logarithmic"
    assert answered.points == [(100.0, 25.0), (200.0, 30.0)]
    assert list(scale_section(sweep(FIRST)).charts) == []


# By the definitions of other tools


class Rule:
    name, text = "TTFT", "the first event with text"


def test_a_tools_figures_stand_with_its_rule():
    values = dict.fromkeys(STATISTICS, 12.5) | {"p99": None}
    section = definitions_section([DefinitionFinding("vLLM", Rule(), 1234, values)])
    (table,) = section.tables
    assert [column.name for column in table.shown] == ["Tool", "Metric", *STATISTICS, "Values", "Rule"]
    assert rows(table)[0] == [
        "vLLM", "TTFT", "12.5\u00a0ms", "12.5\u00a0ms", "12.5\u00a0ms", "–", number(1234), "the first event with text"
    ]  # fmt: skip
    assert [column.name for column in table.shown if column.unit is None] == ["Tool", "Metric", "Rule"]


# A run beside theory


def test_a_run_stands_beside_theory_with_what_it_is_off_by():
    measured, theory = QueueFigures(0.9, 1.1, 1.5, 0.2, NAN), QueueFigures(1.0, 1.0, 1.5, 0.0, 0.5)
    section = theory_section(TheoryComparison(2, 0.1, 500, 7, measured, theory))
    (table,) = section.tables
    assert table.texts("") == [
        "Streams with a result in time",
        "RTF, mean",
        "RTF, p95",
        "Lag of the final result, p50",
        "Lag of the final result, p95",
    ]
    assert table.texts("Off by") == ["\u221210\u00a0%", "+10\u00a0%", "0.0\u00a0%", "–", "–"]
    assert table.texts("Measured")[1:] == ["1.10", "1.50", "200\u00a0ms", "–"]
    assert section.text[0].startswith("500 streams, 2 workers of RTF 0.1.")
    assert "7 more streams were rejected" in section.text[0]


# Capacity


def searched(*estimates, limiting="failure_rate", unit="users"):
    """A search that found the capacity with these repeats."""
    found = {
        "capacity": 100.0, "low": 90.0, "high": 110.0, "at_least": False, "estimates": list(estimates), "knee": None,
        "limiting": limiting, "method": "cliff", "objective": ["failure_rate < 5%"], "steps": [],
        "limited_by": "failures", "evidence": "it refused", "unit": unit,
    }  # fmt: skip
    return capacity_section(material({"capacity": found}))


def test_a_capacity_says_what_its_interval_is():
    section = searched(99.0, 100.0, 101.0)
    assert section.title == "Capacity 100 users (95 % interval 90 to 110), first violated failure rate"
    assert section.text[1].endswith(": 99, 100, 101. The interval is computed over the repeats, on log N, and is "
                                    "at least ±3\u00a0%.")  # fmt: skip


def test_a_capacity_that_no_objective_limits_is_what_the_target_keeps_up_with():
    title = searched(100.0, limiting="keeps_up").title
    assert title.endswith("(95 % interval 90 to 110), above which throughput falls below the offered load")


def test_a_capacity_of_rates_is_one_of_requests_a_second():
    section = searched(99.0, 100.0, unit="requests_per_s")
    assert section.title == "Capacity 100 requests/s (95 % interval 90.0 to 110), first violated failure rate"
    assert section.tables[0].texts("Requests/s") == []


@pytest.mark.parametrize(
    ("limiting", "words"),
    [
        ("keeps_up", "throughput fell below offered load"),
        ("failure_rate", "failure rate"),
        ("ttft.p95", "time to first token, p95"),
    ],
)
def test_a_capacity_says_what_was_violated_first(limiting, words):
    assert searched(99.0, limiting=limiting).text[1].startswith(f"First violated: {words}. Each repeat is ")


def test_the_interval_of_one_repeat_is_wider_and_says_so():
    assert searched(100.0).text[1].endswith(": 100. One repeat shows no scatter, so the interval is the one known "
                                            "for single searches: at least ±13\u00a0%.")  # fmt: skip


STEP = {
    "stage": 0, "users": 8, "purpose": "measure", "ended": "time", "seconds": 10.0, "requests": 198, "ok": 198,
    "failed": 0, "offered_per_s": 8.0, "ok_per_s": 19.8, "sustained": 6.6, "keeps_up": False, "p50_ms": 200.0,
    "p95_ms": 210.0, "judged": {}, "missed": {}, "broken": ["keeps_up"], "held": False, "missed_share": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(("each", "answered", "word"), [(3.0, "6.60\u00a0/s", True), (1.0, "19.8\u00a0/s", False)])
def test_what_is_offered_and_answered_is_of_one_kind(each, answered, word):
    found = {"capacity": 6.6, "low": 6.0, "high": 7.0, "at_least": False, "steps": [STEP | {"requests_each": each}]}
    (table,) = capacity_section(material({"capacity": found})).tables
    assert (table.texts("Offered"), table.texts("Answered")) == (["8.00\u00a0/s"], [answered])
    assert ("conversations of 3.00 requests" in table.caption) is word
