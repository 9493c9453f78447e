"""What summary.json says of bursts."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.validity import Run
from katydid.model.sample import ErrorClass, Sample
from katydid.runs.rows import RowBuffer, decode, sample_schema
from katydid.workloads.burst.analysis import burst_summary


def request(user, waited, *, burst=0, error=None, detail="", start=0.5, connect=None):
    release = burst * 60_000.0
    sample = Sample(str(user), user, burst, "local", "/", release, start_ms=release + start, connect_ms=connect)
    sample.late_ms, sample.duration_ms = start, waited - start
    sample.extra["waited_ms"] = waited
    if error:
        sample.duration_ms = None
        sample.fail(error, detail)
    return sample


def summary(*samples):
    rows = RowBuffer(sample_schema({"waited_ms": float}))
    for sample in samples:
        rows.append(sample)
    frame = with_derived(decode(rows.drain()).to_pandas(), manifest_with())
    return burst_summary(Run(frame, pd.DataFrame(), manifest_with(), None, (0.0, 1.0)))


ONE_AT_A_TIME = [request(user, 7800.0 * (user + 1)) for user in range(3)] + [
    request(user, 30_000.0, error=ErrorClass.TIMEOUT) for user in range(3, 10)
]


def test_a_row_a_user_with_its_response_time_and_outcome():
    found = summary(*ONE_AT_A_TIME)
    assert [row.user for row in found["per_user"]] == list(range(10))
    assert found["per_user"][1].response_ms == 15_600
    assert found["per_user"][1].served_from_ms == 7800
    assert [row.status for row in found["per_user"]] == ["completed"] * 3 + ["timeout"] * 7


def test_shares_peak_and_spread_of_a_burst():
    samples = [request(user, 1000.0, start=user / 10) for user in range(4)]
    samples.append(request(4, 900.0, start=50.0, connect=49.0))
    (row,) = summary(*samples)["bursts"]
    assert row.completion_share == 1.0
    assert row.connected_before == 4
    assert row.start_spread_ms == pytest.approx(0.3), "of those that were connected"
    assert (row.peak_in_flight, row.recovery_ms) == (5, 1000.0)


def test_a_burst_with_time_outs_has_not_recovered():
    (row,) = summary(*ONE_AT_A_TIME)["bursts"]
    assert row.recovery_ms is None
    assert row.timeout_share == pytest.approx(0.7)


def test_what_is_refused_at_once_is_rejected_and_what_fails_late_is_not():
    samples = [request(user, 7800.0) for user in range(4)]
    samples += [request(user, 5.0, error=ErrorClass.OVERLOADED) for user in range(4, 8)]
    samples += [request(8, 7000.0, error=ErrorClass.RESET), request(9, 5.0, error=ErrorClass.HTTP_4XX)]
    found = summary(*samples)
    assert [row.status for row in found["per_user"]][4:] == ["rejected"] * 4 + ["failed"] * 2


def test_a_burst_after_one_with_leftovers_is_not_diagnosed():
    """The service still works for users that have gone."""
    random = np.random.default_rng(0)
    second = [request(user, float(t), burst=1) for user, t in enumerate(random.uniform(100, 29_000, 10))]
    assert "one at a time" in summary(*ONE_AT_A_TIME, *second)["diagnosis"]
