"""The figures of a run while it goes on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches import monitor_rows, rows
from katydid.engine.live.figures import LiveFigures


def table(figures, **more):
    shown = figures.rows(**{"now_ms": 10_000.0, "failures": 0, "threshold": 5} | more)
    return {row["figure"]: (row["recent"], row["whole"]) for row in shown}


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
@settings(deadline=None, derandomize=True)
def test_a_quantile_of_the_whole_run_is_right_to_a_hundredth(values, q):
    figures = LiveFigures(late_limit_ms=50.0)
    for value in values:
        figures.add_samples(rows({"ttft_ms": value}, {"ttft_ms": None}))
    exact = float(np.quantile(values, q, method="inverted_cdf"))
    assert figures._histograms["ttft_ms"].quantile(q) == pytest.approx(exact, rel=0.01)


def test_a_time_that_nothing_had_has_no_quantile():
    figures = LiveFigures(late_limit_ms=50.0)
    figures.add_samples(rows({"ttft_ms": None}))
    assert table(figures)["TTFT p50"] == ("–", "–")


def test_times_are_those_of_successful_requests():
    figures = LiveFigures(late_limit_ms=50.0)
    figures.add_samples(rows({"ttft_ms": 100.0}, {"ttft_ms": 300.0}, {"ttft_ms": 9000.0, "outcome": "failed"}))
    assert table(figures)["TTFT p50"][0] == "100\u00a0ms"
    assert table(figures)["TTFT p95"][0] == "300\u00a0ms"
    assert (table(figures)["Succeeded"], table(figures)["Failed"]) == (("2", "2"), ("1", "1"))


def test_the_warm_up_counts_in_the_last_minute_alone_and_what_ended_after_the_stop_in_neither():
    figures = LiveFigures(late_limit_ms=50.0)
    figures.add_samples(rows({"warm_up": True}, {}, {"after_stop": True, "outcome": "failed"}))
    assert table(figures)["Succeeded"] == ("2", "1")
    assert table(figures)["Failed"] == ("0", "0")


def test_the_last_minute_forgets_what_is_older():
    figures = LiveFigures(late_limit_ms=50.0)
    figures.add_samples(rows({"start_ms": 0.0, "duration_ms": 100.0}))
    assert table(figures, now_ms=60_000.0)["Succeeded"] == ("1", "1")
    assert table(figures, now_ms=60_200.0)["Succeeded"] == ("0", "1")
    assert table(figures, now_ms=60_200.0)["Service time p50"][0] == "–"


def test_figures_that_nobody_looks_at_keep_no_more_than_the_last_minute():
    figures = LiveFigures(late_limit_ms=50.0)
    for second in range(600):
        figures.add_samples(rows({"start_ms": second * 1000.0, "duration_ms": 100.0}))
    assert len(figures._window) <= 61


def test_late_starts_are_a_share_of_those_that_started():
    figures = LiveFigures(late_limit_ms=50.0)
    never = {"start_ms": None, "late_ms": None, "duration_ms": None, "outcome": "failed"}
    figures.add_samples(rows({"late_ms": 50.0}, {"late_ms": 51.0}, never))
    assert table(figures)["Late starts"] == ("50\u00a0%", "50\u00a0%")


def test_requests_that_all_never_started_are_no_trouble():
    figures = LiveFigures(late_limit_ms=50.0)
    figures.add_samples(rows({"start_ms": None, "late_ms": None, "duration_ms": None, "outcome": "failed"}))
    assert table(figures)["Failed"] == ("1", "1")
    assert table(figures)["Late starts"] == ("–", "–")


def test_failures_are_shown_against_the_threshold():
    figures = LiveFigures(late_limit_ms=50.0)
    assert table(figures, failures=2)["Failures until the stop"][1] == "2 of 5"
    assert table(figures, threshold=0)["Failures until the stop"][1] == "0 (no limit)"


def test_requests_in_flight_are_those_of_all_processes_but_not_of_one_that_is_gone():
    figures = LiveFigures(late_limit_ms=50.0)
    figures.add_monitor(monitor_rows({"process": "worker-0", "in_flight": 3}, {"process": "worker-1", "in_flight": 4}))
    figures.add_monitor(monitor_rows({"process": "machine", "in_flight": None}))
    assert figures.in_flight == 7
    figures.add_monitor(monitor_rows({"process": "worker-0", "at_ms": 6000.0, "in_flight": 1}))
    assert figures.in_flight == 1
    assert table(figures)["In flight"] == ("1", "–")
    assert table(figures, now_ms=20_000.0)["In flight"] == ("0", "–"), "the run is over"


def test_recent_quantiles_have_their_names_and_there_are_none_without_a_success():
    figures = LiveFigures(late_limit_ms=50.0)
    assert figures.recent("ttft_ms", 0.0) == {}
    figures.add_samples(rows({"ttft_ms": 100.0}, {"ttft_ms": 300.0}, {"ttft_ms": 9000.0, "outcome": "failed"}))
    assert figures.recent("ttft_ms", 1000.0) == {"p50": 100.0, "p95": 300.0}
