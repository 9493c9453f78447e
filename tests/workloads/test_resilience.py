"""The rules by which chaos, storm and zombies are judged, on loads made up by hand."""

import numpy as np
import pytest

from documents import manifest_with
from katydid.analysis.summary import summarise
from katydid.model.jsontext import json_text
from rows import FAILED, MANIFEST, OK, monitor, samples
from strictjson import strictly

EXTRA = ("role", "final_latency_ms", "settled_ms")


def frame(*rows):
    """Samples with the columns that these workloads add."""
    plain = samples(*({key: value for key, value in each.items() if key not in EXTRA} for each in rows))
    return plain.assign(**{name: [each.get(name) for each in rows] for name in EXTRA}).astype(
        {"final_latency_ms": float, "settled_ms": float}
    )


def stream(number, start, base=OK, **more):
    """A second of speech by one of ten users."""
    at = {"start_ms": start * 1000.0, "scheduled_ms": start * 1000.0, "duration_ms": 1000.0}
    user = {"user": number % 10, "iteration": number // 10, "status": 101, "final_latency_ms": 5.0}
    return base | at | user | {"late_ms": 0.0} | more


def inject(role, at, base=OK, **more):
    when = {"start_ms": at * 1000.0, "scheduled_ms": at * 1000.0, "duration_ms": 1.0, "late_ms": 0.0}
    return base | when | {"user": -1, "name": role, "role": role, "status": None} | more


def judged(workload, *rows, **options):
    manifest = MANIFEST | {"workload": workload, "users": 10, "options": options}
    summary = summarise(frame(*rows), monitor(60, users=10), manifest_with(manifest))
    strictly(json_text(summary))
    return summary["resilience"], {check["name"]: check["passed"] for check in summary["checks"]}, summary


def steady(until=60.0, per_second=5):
    return [stream(number, start) for number, start in enumerate(np.arange(0.0, until, 1 / per_second).tolist())]


@pytest.mark.parametrize("workload", ["chaos", "storm", "zombies"])
def test_what_an_event_does_not_say_is_null(workload):
    role = {"chaos": "kill", "storm": "storm", "zombies": "zombie"}[workload]
    told, _, _ = judged(workload, inject(role, 20.0), *steady())
    assert [(event["what"], event["detail"]) for event in told["events"]] == [(role, None)]


# Chaos


def outage(begin, end, *, failing=()):
    """A steady load whose results between two moments all come at the end of it."""
    rows = []
    for each in steady():
        done = each["start_ms"] / 1000.0 + 1.0
        if begin < done < end:
            wait = (end - done) * 1000.0
            changed = {"duration_ms": 1000.0 + wait, "final_latency_ms": 5.0 + wait}
            rows.append(each | changed)
        else:
            rows.append(each)
    return [row | {"outcome": "failed", "error": "truncated"} if i in failing else row for i, row in enumerate(rows)]


def test_the_outage_is_the_time_without_a_result_and_recovery_ends_with_the_last_slow_one():
    told, checks, _ = judged("chaos", inject("kill", 20.0), *outage(20.0, 25.0))
    assert told["outage_s"] == pytest.approx(5.0, abs=0.01)
    assert told["outage_until_s"] == pytest.approx(25.0, abs=0.01)
    assert told["recovery_s"] == pytest.approx(5.0, abs=0.01)
    assert told["results_per_s_before"] == pytest.approx(5.0, abs=0.5)
    assert told["results_per_s_lowest"] == 0
    assert set(checks.values()) == {True}


def test_the_success_rate_is_told_before_during_and_after_an_outage():
    failing = {i for i, row in enumerate(steady()) if 20.5 < row["start_ms"] / 1000.0 < 23.0}
    told, _, _ = judged("chaos", inject("kill", 20.0), *outage(20.0, 25.0, failing=failing))
    rates = {name: part["rate"] for name, part in told["success"].items()}
    assert rates["before"] == rates["after"] == 1.0
    assert rates["during"] == pytest.approx(1 - len(failing) / told["success"]["during"]["streams"])
    assert sum(part["streams"] for part in told["success"].values()) == 300


def test_without_a_recovery_there_is_no_after():
    rows = [row | {"outcome": "failed", "error": "timeout"} if row["start_ms"] > 19_500 else row for row in steady()]
    told, _, _ = judged("chaos", inject("kill", 20.0), *rows)
    assert told["success"]["after"] == {"streams": 0, "rate": None}
    assert told["success"]["during"]["rate"] < 0.1


def test_a_service_that_noticed_nothing_recovered_at_once():
    told, checks, _ = judged("chaos", inject("kill", 20.0), *steady())
    assert told["recovery_s"] == 0.0
    assert told["outage_s"] < 0.3
    assert set(checks.values()) == {True}


def test_a_service_that_stays_away_did_not_recover():
    rows = [row | {"outcome": "failed", "error": "timeout"} if row["start_ms"] > 19_500 else row for row in steady()]
    told, checks, _ = judged("chaos", inject("kill", 20.0), *rows)
    assert told["recovery_s"] is None
    assert not checks["the service recovered"]
    assert checks["the gateway survived"]


def test_a_single_slow_stream_much_later_is_no_relapse():
    rows = outage(20.0, 25.0)
    rows[-3] |= {"final_latency_ms": 900.0}
    told, checks, _ = judged("chaos", inject("kill", 20.0), *rows)
    assert told["recovery_s"] == pytest.approx(5.0, abs=0.01)
    assert checks["the service recovered"]


def test_a_quarter_of_the_streams_that_still_fails_is_no_recovery():
    unmet = {"outcome": "failed", "error": "timeout"}
    rows = [row | unmet if row["start_ms"] > 19_500 and i % 4 == 0 else row for i, row in enumerate(steady())]
    told, checks, _ = judged("chaos", inject("kill", 20.0), *rows)
    assert told["recovery_s"] is None
    assert not checks["the service recovered"]


def test_a_recovery_of_more_than_30_seconds_is_none():
    told, checks, _ = judged("chaos", inject("kill", 10.0), *outage(10.0, 42.0))
    assert told["recovery_s"] == pytest.approx(32.0, abs=0.01)
    assert not checks["the service recovered"]


def test_streams_that_find_nobody_after_the_kill_mean_a_dead_gateway():
    unmet = {"outcome": "failed", "error": "connect", "status": None}
    rows = [row | unmet if 20_000 < row["start_ms"] < 22_000 else row for row in steady()]
    _, checks, _ = judged("chaos", inject("kill", 20.0), *rows)
    assert not checks["the gateway survived"]


def test_a_kill_that_failed_judges_nothing():
    _, checks, _ = judged("chaos", inject("kill", 20.0, FAILED), *steady())
    assert checks == {"a process was killed": False}


def test_what_is_done_to_a_service_is_no_request_of_the_load():
    _, _, summary = judged("chaos", inject("kill", 20.0), *steady())
    assert summary["counts"]["requests"] == 300
    assert summary["metrics"]["failure_rate"] == 0.0


# Storm


def clients(accepted, rejected, other=0, *, took=1.0):
    when = {"duration_ms": 3000.0, "settled_ms": 20_000.0 + took * 1000.0}
    refused = {"duration_ms": took * 1000.0, "status": 503}
    return [
        *(inject("storm", 20.0, status=101, **when) for _ in range(accepted)),
        *(inject("storm", 20.0, FAILED, **refused) for _ in range(rejected)),
        *(inject("storm", 20.0, FAILED, error="reset", **refused) for _ in range(other)),
    ]


def test_a_storm_is_counted_by_what_became_of_its_clients():
    told, checks, summary = judged("storm", *clients(1000, 1000), *steady(), storm_expect=1000)
    assert (told["clients"], told["accepted"], told["rejected"], told["failed_otherwise"]) == (2000, 1000, 1000, 0)
    assert told["settled_s"] == pytest.approx(1.0)
    assert set(checks.values()) == {True}
    assert len(checks) == 5
    assert summary["metrics"]["failure_rate"] == 0.0
    assert len(told["events"]) == 1


@pytest.mark.parametrize(
    ("crowd", "broken"),
    [
        (clients(10, 10, 1), "every client was accepted or rejected"),
        (clients(10, 10, took=11.0), "all clients answered in time"),
        (clients(11, 10), "the expected number of clients was accepted"),
    ],
)
def test_each_rule_of_a_storm_can_be_broken_alone(crowd, broken):
    _, checks, _ = judged("storm", *crowd, *steady(), storm_expect=10)
    assert [name for name, passed in checks.items() if not passed] == [broken]


def test_clients_that_the_end_of_the_run_cuts_off_were_accepted_all_the_same():
    whole = clients(10, 5)
    held = [row | {"outcome": "aborted"} for row in whole[:10]]
    never = inject("storm", 20.0, outcome="aborted", status=None)
    told, checks, _ = judged("storm", *held, *whole[10:], never, *steady(), storm_expect=10)
    assert (told["clients"], told["accepted"], told["rejected"], told["failed_otherwise"]) == (15, 10, 5, 0)
    assert set(checks.values()) == {True}


def test_a_load_that_fails_after_the_storm_is_damage():
    rows = [row | {"outcome": "failed", "error": "timeout"} if row["start_ms"] > 50_000 else row for row in steady()]
    _, checks, _ = judged("storm", *clients(5, 5), *rows)
    assert not checks["no more failures in the normal load after the storm"]


def during_the_storm(change):
    """The steady load, changed where its second of speech and the storm's clients, from 20 to 23 s, overlap."""
    return [row | change if 19_000 < row["start_ms"] <= 23_000 else row for row in steady()]


def test_the_load_that_spoke_meanwhile_is_counted_beside_the_storm():
    told, checks, _ = judged("storm", *clients(5, 5), *during_the_storm({}))
    counts = [told[key] for key in ("load_meanwhile", "load_turned_away", "load_failed")]
    assert counts == [20, 0, 0], "five a second, for four seconds"
    assert checks["no more failures in the normal load during the storm, rejections aside"]


def test_a_load_that_is_turned_away_while_the_house_is_full_is_no_damage():
    told, checks, _ = judged("storm", *clients(5, 5), *during_the_storm({"outcome": "failed", "error": "overloaded"}))
    assert (told["load_turned_away"], told["load_failed"]) == (20, 0)
    assert set(checks.values()) == {True}


def test_a_load_that_is_cut_off_by_the_storm_is_damage():
    told, checks, _ = judged("storm", *clients(5, 5), *during_the_storm({"outcome": "failed", "error": "reset"}))
    assert (told["load_turned_away"], told["load_failed"]) == (0, 20)
    broken = [name for name, passed in checks.items() if not passed]
    assert broken == ["no more failures in the normal load during the storm, rejections aside"]


# Zombies


def lags(seed, change=lambda start, lag: lag):
    random = np.random.default_rng(seed)
    return [
        row | {"final_latency_ms": change(row["start_ms"] / 1000.0, float(random.lognormal(3.0, 0.4)))}
        for row in steady()
    ]


def held(count):
    return [inject("zombie", 30.0, duration_ms=30_000.0, status=101) for _ in range(count)]


def test_zombies_that_nobody_notices():
    told, checks, _ = judged("zombies", *held(100), *lags(1))
    assert (told["held"], told["refused_or_dropped"]) == (100, 0)
    assert told["lag_p95"]["low"] < 1.0 < told["lag_p95"]["high"]
    assert set(checks.values()) == {True}


def test_zombies_that_make_the_load_slow_are_damage_and_it_is_quantified():
    told, checks, _ = judged("zombies", *held(100), *lags(1, lambda start, lag: lag * (3 if start > 30 else 1)))
    assert told["lag_p95"]["ratio"] == pytest.approx(3.0, rel=0.35)
    assert told["lag_p95"]["low"] > 1.5
    assert not checks["the normal load is not slower (p95 lag)"]


def test_zombies_that_the_target_drops_are_counted_and_no_damage():
    told, checks, _ = judged("zombies", *held(3), inject("zombie", 30.0, FAILED, error="truncated"), *steady())
    assert (told["held"], told["refused_or_dropped"]) == (3, 1)
    assert set(checks.values()) == {True}


@pytest.mark.parametrize("workload", ["chaos", "storm", "zombies"])
def test_a_run_in_which_nothing_happened_says_so(workload):
    _, checks, _ = judged(workload, *steady())
    assert list(checks.values()) == [False]
