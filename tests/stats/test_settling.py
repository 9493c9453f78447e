"""Where runs have settled: also of runs with nothing in common, of which numpy would warn on a terminal."""

import pandas as pd

from katydid.stats.warmup import settled_after


def successes(*seconds):
    due = [second * 1000.0 for second in seconds]
    return pd.DataFrame({"outcome": ["ok"] * len(due), "scheduled_ms": due, "duration_ms": [100.0] * len(due)})


def test_runs_whose_successes_are_at_different_times_have_no_common_course():
    assert settled_after([successes(*range(41)), successes(300.0, 301.0)]) == 0.0


def test_a_run_without_successes_before_its_last_second_has_none():
    assert settled_after([successes(40.0), successes(400.0)]) == 0.0
