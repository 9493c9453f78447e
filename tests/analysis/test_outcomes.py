"""How runs ended, side by side: by the figures of their own reports."""

import pandas as pd

from documents import manifest_with, summary_with
from katydid.analysis.comparison.estimates import RunData, outcome_of
from katydid.model.documents.comparison import RunOutcome

COUNTS = {"requests": 285, "ok": 280, "failed": 5, "failed_after_stop": 2, "all": 287, "after_stop": 140}
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
