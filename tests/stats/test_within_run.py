"""Statistics of one run's requests: what a token costs, and when the run had settled."""

import numpy as np
import pandas as pd
import pytest

from katydid.stats.within_run import length_cost, settled_after


def run(share, *, variation=0.5, count=400, noise=0.2):
    """Requests of which a mean answer's tokens make that share of the time."""
    random = np.random.default_rng(3)
    lengths = np.exp(random.normal(0.0, variation, count))
    lengths /= lengths.mean()
    return (1.0 - share + share * lengths) * np.exp(random.normal(0.0, noise, count)), lengths


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_the_share_is_found_and_its_error_is_as_large_as_said(share):
    found = length_cost(*run(share))
    assert found.share == pytest.approx(share, abs=3 * found.error)
    assert found.error < 0.05


def test_more_requests_tell_it_more_exactly():
    few, many = (length_cost(*run(0.5, count=count)).error for count in (100, 1600))
    assert many == pytest.approx(few / 4, rel=0.3)


def test_answers_of_one_length_tell_nothing():
    found = length_cost(*run(0.8, variation=0.0))
    assert (found.share, found.error) == (pytest.approx(0.5), pytest.approx(12**-0.5, rel=0.02))


def test_times_without_noise_tell_it_exactly():
    found = length_cost(*run(0.25, noise=0.0))
    assert (found.share, found.error) == (pytest.approx(0.25), pytest.approx(0.0, abs=1e-3))
    assert found.times_as_long(np.array([1.0, 2.0])) == pytest.approx([1.0, 1.25])


# Runs with nothing in common, of which numpy would warn on a terminal


def successes(*seconds):
    due = [second * 1000.0 for second in seconds]
    return pd.DataFrame({"outcome": ["ok"] * len(due), "scheduled_ms": due, "duration_ms": [100.0] * len(due)})


def test_runs_whose_successes_are_at_different_times_have_no_common_course():
    assert settled_after([successes(*range(41)), successes(300.0, 301.0)]) == 0.0


def test_a_run_without_successes_before_its_last_second_has_none():
    assert settled_after([successes(40.0), successes(400.0)]) == 0.0
