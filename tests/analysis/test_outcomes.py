"""How runs ended, side by side: by the figures of their own reports."""

import pandas as pd

from documents import comparison_with, manifest_with, summary_with
from katydid.analysis.comparison.estimates import RunData, outcome_of
from katydid.model.documents.comparison import RunOutcome
from katydid.report.comparison_sections import sections

COUNTS = {"requests": 285, "ok": 280, "failed": 5, "failed_after_stop": 2, "all": 287, "after_stop": 140}
SIDES = [
    {
        "versions": [version],
        "host": None,
        "runs": [{"run": "r", "started_utc": None, "requests": 285, "counts": True}] * runs,
    }
    for version, runs in (("v1", 1), ("v2", 3))
]
METRICS = {"users_at_stop": 243.0, "in_flight_at_stop": 138.0, "failure_rate": 5 / 285}
MANIFEST = {"ended": "failure-threshold", "failure_threshold": 5, "users": 500, "stopped_at_ms": 24_300.0}


def outcome(metrics=METRICS, **manifest):
    return outcome_of(
        RunData(
            "folder", manifest_with(MANIFEST | manifest), pd.DataFrame(), summary_with(counts=COUNTS, metrics=metrics)
        )
    )


def test_an_outcome_has_the_figures_of_the_runs_own_report():
    assert outcome() == RunOutcome(
        run="folder",
        ended="failure-threshold",
        failure_threshold=5,
        users=243,
        in_flight=138,
        requests=285,
        ok=280,
        failed=5,
        failed_after_stop=2,
        failure_rate=5 / 285,
        seconds=24.3,
    )


def test_a_run_that_was_not_stopped_had_all_of_its_users():
    told = outcome({"users_at_stop": None, "failure_rate": None}, ended="run-time", stopped_at_ms=None)
    assert (told.users, told.in_flight, told.failure_rate, told.seconds) == (500, None, None, None)


def test_one_whose_clients_left_says_what_its_target_did():
    sentence = "The target frees the slot of a client that has left within 12.0\u00a0ms."
    summary = summary_with(leaving={"outcome": "frees", "text": sentence})
    told = outcome_of(RunData("folder", manifest_with(MANIFEST), pd.DataFrame(), summary))
    assert told.leaving == sentence
    assert outcome().leaving is None
    comparison = comparison_with(outcomes=[[outcome()], [told, outcome(), told]], sides=SIDES)
    (runs,) = (section for section in sections(comparison) if section.key == "runs")
    assert runs.text == [f"v2: {sentence}"]
