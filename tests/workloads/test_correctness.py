"""Right answers by load."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.summary import summarise
from katydid.analysis.validity import Run
from katydid.report.model import Material
from katydid.workloads.tools.correctness import correctness, correctness_section
from synthetic import synthetic_run


def correct(start, duration, outcome):
    rows = pd.DataFrame({"start_ms": start, "duration_ms": duration, "outcome": outcome})
    run = Run(pd.DataFrame(), pd.DataFrame(), manifest_with(), None, (0.0, 1.0), rows)
    return correctness(run)["correctness"]


def said(rows):
    summary = summary_with().added(correctness=rows)
    return correctness_section(Material(manifest_with(), summary, pd.DataFrame(), pd.DataFrame())).text[0]


def test_conversations_in_flight_are_those_that_have_begun_and_not_ended():
    (row,) = correct([0.0, 10.0, 20.0, 100.0], [15.0, 50.0, 5.0, 1.0], ["ok"] * 4)
    assert (row.in_flight_low, row.in_flight_high) == (1, 2)
    assert (row.conversations, row.right, row.share, row.high) == (4, 4, 1.0, 1.0)
    assert row.low == pytest.approx(0.025 ** (1 / 4), rel=1e-6)


def test_a_parser_that_breaks_under_load_shows_as_a_falling_share():
    start = np.concatenate([np.arange(100) * 1000.0, 200_000.0 + np.arange(100)])
    outcome = ["ok"] * 100 + ["ok", "failed"] * 50
    rows = correct(start, np.full(200, 500.0), outcome)
    assert rows[0].share == 1.0
    assert rows[-1].share < 0.7
    assert rows[0].in_flight_high < rows[-1].in_flight_low
    assert said(rows).startswith("With more conversations in flight")


def test_failures_that_have_nothing_to_do_with_the_load_are_not_blamed_on_it():
    outcome = np.where(np.arange(200) % 10 == 0, "failed", "ok")
    rows = correct(np.arange(200) * 100.0, np.random.default_rng(1).uniform(100, 900, 200), outcome)
    assert said(rows) == "There is no evidence that wrong conversations depend on the load."


def test_rows_of_whole_conversations_count_in_no_rate_of_requests():
    run = synthetic_run(failing=0.0)
    whole = run.samples.head(20).assign(kind="iteration", outcome="failed", error="wrong_tool_calls", warm_up=False)
    samples = pd.concat([run.samples.assign(kind="request"), whole], ignore_index=True)
    summary = summarise(samples, run.monitor, manifest_with(run.manifest | {"workload": "tools"}))
    assert summary["counts"] == summarise(run.samples, run.monitor, manifest_with(run.manifest))["counts"]
    assert summary["metrics"]["failure_rate"] == 0.0
    assert summary["metrics"]["conversations_ok"] == 0.0
    assert summary["correctness"][0]["conversations"] == 20
    assert summary["errors"] == []
