"""What stages show of rate limiters whose windows and rates are known."""

import numpy as np
import pandas as pd
import pytest

from capacity_targets import Bucket, Sliding, Slots, Target, Windows
from katydid.analysis.capacity.holds import Criterion
from katydid.analysis.capacity.limiter import limiter_of
from katydid.load.stages import Hold

T = 2.0
OBJECTIVE = [Criterion("failure_rate", 0.05)]


def stage(limit, users, seconds, *, says=False):
    target = Target(Slots(1000, lambda _: 0.05), limit=limit, says=says)
    return target.measured(Hold(users, seconds, settle=T, purpose="measure 1"), T, OBJECTIVE)


LIMITS = {
    "a window": (lambda: Windows(100, 10), 10.0),
    "a sliding window": (lambda: Sliding(100, 10), 10.0),
    "a bucket": (lambda: Bucket(10, 30), 0.0),
}


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("users", [30, 60])
def test_what_a_limiter_lets_pass_is_seen_in_a_stage_of_its_windows(kind, users):
    limit, window = LIMITS[kind]
    found = stage(limit, users, 32.0)
    assert found.limiter_per_s == pytest.approx(10, rel=0.03)
    assert found.limiter_window_s == pytest.approx(window, rel=0.1, abs=0.3)
    assert found.rate_limited >= found.failed > 0, "what settles counts for the limiter, not for the objective"


def test_a_stage_that_is_shorter_than_a_window_knows_how_long_that_is_at_least():
    told, silent = (stage(lambda: Windows(100, 60), 60, 12.0, says=says) for says in (True, False))
    assert (told.limiter_per_s, told.limiter_window_s) == (None, None)
    assert told.limiter_at_least_s == pytest.approx(57, abs=1), "what Retry-After says"
    assert told.text.endswith("its window is at least 57 s")
    assert silent.limiter_at_least_s == pytest.approx(12, abs=1), "all that was seen"


def test_what_is_refused_for_the_stage_before_counts_against_none():
    target = Target(Slots(1000, lambda _: 0.05), limit=lambda: Windows(100, 10))
    target.hold(60, 5.0, T)
    found = target.measured(Hold(12, 30.0, settle=T, purpose="measure 1"), T, OBJECTIVE)
    assert found.rate_limited > 0
    assert (found.failed, found.held) == (0, True)


def rows(*errors, spacing=100.0):
    at = np.arange(len(errors)) * spacing
    outcome = ["failed" if error else "ok" for error in errors]
    return pd.DataFrame({"scheduled_ms": at, "start_ms": at, "outcome": outcome, "error": errors})


@pytest.mark.parametrize("errors", [[None] * 9, ["http_5xx"] * 9, [None, "http_5xx", "http_5xx", "rate_limited"] * 3])
def test_where_most_failures_are_others_there_is_no_limiter(errors):
    assert limiter_of(rows(*errors), 0.0, 2000.0) is None


def test_refusals_to_the_end_are_a_window_of_at_least_so_long():
    found = limiter_of(rows(*[None] * 40, *["rate_limited"] * 40), 0.0, 8000.0)
    assert (found.refused, found.per_s, found.at_least_s) == (40, None, 8.0)


def test_a_few_requests_between_returns_are_no_rate():
    few = limiter_of(rows(*["rate_limited", None] * 5), 0.0, 1000.0)
    enough = limiter_of(rows(*["rate_limited", None] * 15), 0.0, 3000.0)
    assert few.per_s is None
    assert enough.per_s == pytest.approx(5.0)
