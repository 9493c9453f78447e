"""A profile of traffic, and whether a test is like it."""

import json
from datetime import UTC, datetime
from random import Random

import numpy as np
import pandas as pd
import pytest

from katydid.analysis.traffic import differences, gap_cv, of_log, of_run, verdict_on
from katydid.load.arrivals import Rate, read_process
from katydid.load.traces.learning import learned
from katydid.model.errors import NoDataError

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC).timestamp()


def due(process, per_second=5.0, seconds=1000.0):
    return np.fromiter(Rate(per_second, read_process(process), 1).due_until(seconds), float)


def log(moments, **more):
    lines = [
        {"startTime": MIDNIGHT + at, "prompt_tokens": 1000 + 10 * (number % 11), "completion_tokens": 100} | more
        for number, at in enumerate(moments)
    ]
    return learned(["".join(f"{json.dumps(line)}\n" for line in lines).encode()])


def samples(moments, **more):
    columns = {"start_ms": 1000.0 * np.asarray(moments), "prompt_tokens": 1050, "completion_tokens": 100} | more
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("process", "cv"), [("even", 0.0), ("poisson", 1.0), ("gamma(2.7)", 2.7)])
def test_the_gaps_of_a_log_vary_as_its_arrivals_did(process, cv):
    assert of_log(log(due(process, seconds=4000.0))).cv == pytest.approx(cv, abs=0.15 * max(cv, 0.1))


def test_a_day_that_rises_and_falls_is_no_burst():
    dice, at, moments = Random(1), 0.0, []
    while at < 86_400.0:
        at += dice.expovariate(0.02 if (at // 3600) % 2 else 0.5)
        moments.append(at)
    assert gap_cv(np.diff(moments, prepend=0.0).cumsum()) == pytest.approx(1.0, abs=0.1)
    assert np.std(np.diff(moments)) / np.mean(np.diff(moments)) > 1.5


def test_a_profile_has_rates_lengths_turns_and_prefixes():
    moments = [*range(0, 3600, 2), *range(3600, 7200, 4)]
    found = of_log(log(moments))
    assert (found.requests, found.seconds) == (2700, 7196.0)
    assert [(each.hour, each.per_s) for each in found.rate_by_hour] == [
        (0, pytest.approx(0.5)),
        (1, pytest.approx(0.25, rel=0.01)),
    ]
    assert found.peak_per_s == pytest.approx(0.5)
    assert found.input.mean == pytest.approx(1050, abs=1)
    assert (found.output.p50, found.output.p95) == (100.0, 100.0)
    assert (found.turns, found.prefix_share) == (None, None)


def test_conversations_say_how_many_turns_they_have_and_what_they_send_again():
    entries = [{"startTime": MIDNIGHT, "prompt_tokens": 100, "completion_tokens": 50, "session_id": "a"}]
    entries += [{"startTime": MIDNIGHT + 9, "prompt_tokens": 300, "completion_tokens": 50, "session_id": "a"}]
    found = of_log(learned(["\n".join(map(json.dumps, entries)).encode()]))
    assert found.turns.mean == 2.0
    assert found.prefix_share == pytest.approx(150 / 400)


def test_one_request_is_a_profile_too():
    found = of_log(log([0.0]))
    assert (found.requests, found.seconds, found.rate_per_s, found.cv) == (1, 0.0, 1.0, None)


def test_a_test_that_is_not_the_traffic_is_told_by_what_differs():
    traffic, test = of_log(log(due("gamma(2.7)", seconds=4000.0))), of_run(samples(due("poisson")))
    found = differences(test, traffic)
    assert [each.name for each in found if each.differs] == ["CV of the gaps"]
    assert verdict_on(found) == "Your test differs from your traffic: CV of the gaps 0.996 against 2.72."


def test_one_that_is_like_it_is_told_so_whatever_its_rate():
    traffic, test = of_log(log(due("poisson"))), of_run(samples(due("poisson", 50.0, 100.0)))
    assert verdict_on(differences(test, traffic)) == "Your test matches your traffic in everything that both record."


def test_lengths_turns_and_prefixes_are_compared():
    entries = "".join(
        json.dumps(
            {
                "startTime": MIDNIGHT + at,
                "prompt_tokens": 1000,
                "completion_tokens": 100,
                "session_id": at // 5,
                "usage": {"prompt_tokens_details": {"cached_tokens": 500}},
            }
        )
        + "\n"
        for at in range(100)
    )
    short = samples(np.arange(100), prompt_tokens=100, session_id=[str(at // 2) for at in range(100)], cached_tokens=0)
    found = differences(of_run(short), of_log(learned([entries.encode()])))
    assert {each.name for each in found if each.differs} == {
        "input tokens, mean",
        "input tokens, p95",
        "turns, mean",
        "prefix share",
    }
    assert "prefix share 0\u00a0% against 50\u00a0%" in verdict_on(found)


def test_a_run_that_sent_nothing_has_no_profile():
    with pytest.raises(NoDataError):
        of_run(samples([]))
