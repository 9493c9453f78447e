"""The instrument's error out of samples and the target's log, where both are known."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from documents import summary_with
from katydid.analysis.calibration import (
    Errors,
    Trial,
    chunks_between,
    compared,
    errors,
    excuses,
    highest_faithful,
    trial,
    unfaithful,
)
from rows import monitor, samples, started

ORIGIN = 7_000_000.0
"""Milliseconds between the run's start and the monotonic clock's."""


def truth(request, at, *, way=0.0, ttft=100.0, chunks=11, gap=20.0, tail=0.0):
    """What the target logs of a request that was sent `at`, and read `way` milliseconds later."""
    received = ORIGIN + at + way
    first, last = received + ttft, received + ttft + (chunks - 1) * gap
    return {
        "request_id": request, "chunks": chunks, "received_mono_ns": received * 1e6, "first_chunk_mono_ns": first * 1e6,
        "last_chunk_mono_ns": last * 1e6, "ended_mono_ns": (last + tail) * 1e6,
    }  # fmt: skip


def sample(request, at, **more):
    return started(at, request_id=request, ttft_ms=100.0, duration_ms=300.0, chunks=11, gap_mean_ms=20.0, **more)


def told(rows, log):
    return compared(samples(*rows), pd.DataFrame(log))


def test_an_exact_instrument_has_no_error():
    frame = told([sample("a", 0.0), sample("b", 50.0)], [truth("b", 50.0), truth("a", 0.0)])
    assert frame[["ttft", "arrival", "way", "duration", "gap"]].abs().to_numpy().max() < 1e-6
    assert list(frame.index) == ["a", "b"]


def test_an_error_is_ours_or_the_targets_late_reading():
    late_reader = truth("b", 50.0, way=5.0)
    rows = [sample("a", 0.0), sample("b", 50.0) | {"ttft_ms": 107.0}]
    frame = told(rows, [truth("a", 0.0), late_reader])
    assert frame.loc["b", "ttft"] == pytest.approx(7.0)
    assert frame.loc["b", "way"] == pytest.approx(5.0)
    assert frame.loc["b", "arrival"] == pytest.approx(2.0)


def test_a_gap_error_is_a_share_of_the_true_gap():
    frame = told([sample("a", 0.0) | {"gap_mean_ms": 21.0}], [truth("a", 0.0)])
    assert frame.loc["a", "gap"] == pytest.approx(0.05)


def test_a_single_chunk_has_no_gap_to_compare():
    frame = told([sample("a", 0.0) | {"chunks": 1, "gap_mean_ms": None}], [truth("a", 0.0, chunks=1)])
    assert math.isnan(frame.loc["a", "gap"])


def test_requests_that_failed_or_that_the_log_does_not_know_are_not_compared():
    rows = [sample("a", 0.0), sample("b", 1.0) | {"outcome": "failed"}, sample("c", 2.0)]
    assert list(told(rows, [truth("a", 0.0), truth("b", 1.0)]).index) == ["a"]


@pytest.mark.parametrize(("count", "p50", "p99"), [(0, None, None), (3, None, None), (458, 0.0, None), (459, 0.0, 3.0)])
def test_a_quantile_needs_its_number_of_samples(count, p50, p99):
    found = errors(pd.Series([-3.0 if i % 50 == 0 else 0.0 for i in range(count)], dtype=float))
    assert (found.p50, found.p99, found.count) == (p50, p99, count)
    assert found.max == (3.0 if count else None), "sizes: an error below zero is one too"


@pytest.mark.parametrize(
    ("begin", "end", "chunks"),
    [(0.0, 400.0, 11.0), (0.0, 200.0, 5.5), (200.0, 400.0, 5.5), (300.0, 400.0, 0.0), (0.0, 50.0, 0.0)],
)
def test_chunks_are_spread_evenly_over_their_stream(begin, end, chunks):
    assert chunks_between(samples(sample("a", 0.0)), begin, end) == pytest.approx(chunks)


def test_an_answer_in_one_piece_arrives_where_it_arrives():
    row = sample("a", 0.0) | {"duration_ms": 100.0, "chunks": 1}
    assert chunks_between(samples(row), 0.0, 200.0) == 1.0


def test_cpu_time_a_chunk_is_that_of_all_the_generators_processes():
    rows = [sample(f"r{i}", i * 100.0) for i in range(100)]  # 110 chunks a second
    watched = pd.concat([
        monitor(10, process="master", cpu_percent=10.0), monitor(10, process="worker 0", cpu_percent=30.0),
        monitor(10, process="machine", cpu_percent=99.0),
    ])  # fmt: skip
    load = {"users": 3, "processes": 2, "window": (1000.0, 9000.0), "target_cpu": 0.1, "others_cpu": 0.0}
    log = pd.DataFrame([truth(f"r{i}", i * 100.0) for i in range(100)])
    done = trial(samples(*rows), watched, log, summary_with(), **load)
    assert done.cpu == pytest.approx(0.3), "the busiest one's"
    assert done.chunks_per_s == pytest.approx(110.0)
    assert done.us_per_chunk == pytest.approx(0.4 / 110 * 1e6)
    assert done.requests == 80
    assert done.unmatched == 0
    assert unfaithful(done) == []


EXACT = Errors(0.0, 0.1, 0.2, 1000)
GOOD = Trial(
    users=100, processes=1, requests=1000, ttft=EXACT, arrival=EXACT, way=EXACT, duration=EXACT,
    gap=Errors(0.0, 0.001, 0.002, 1000), bound_share=0.0, cpu=0.2, us_per_chunk=9.0, chunks_per_s=1000.0,
    read_lag_p99=0.1, target_cpu=0.2, others_cpu=0.0, unmatched=0, valid=True,
)  # fmt: skip
WRONG = Errors(0.5, 2.0, 9.0, 1000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ttft": WRONG}, "TTFT error, p99 2.00\u00a0ms"),
        ({"ttft": Errors(0.0, None, 9.0, 100)}, "TTFT error, p99 9.00\u00a0ms"),
        ({"duration": WRONG}, "duration error"),
        ({"gap": Errors(0.0, 0.02, 0.1, 1000)}, "mean gap error, p99 2\u00a0%"),
        ({"bound_share": 0.06}, "upper bounds"),
        ({"target_cpu": 0.95}, "CPU of the target"),
        ({"unmatched": 3}, "3 requests not in the target's log"),
        ({"ttft": Errors(None, None, None, 0)}, "no TTFT could be compared"),
        ({"valid": False, "reasons": ["the event loop was late"]}, "the event loop was late"),
    ],
)
def test_what_is_not_faithful_says_why(change, said):
    assert unfaithful(GOOD) == []
    (reason,) = unfaithful(replace(GOOD, **change))
    assert said in reason


def test_a_busy_machine_is_named_before_the_generator_is_blamed():
    assert excuses(GOOD) == []
    assert "other work" in excuses(replace(GOOD, others_cpu=0.5))[0]
    assert "target's late reading" in excuses(replace(GOOD, ttft=WRONG, way=WRONG))[0]
    assert excuses(replace(GOOD, ttft=WRONG, arrival=WRONG)) == []


@pytest.mark.parametrize(
    ("faithful", "highest"),
    [((True, True, True), 300), ((True, False, True), 100), ((False, True, True), None), ((), None)],
)
def test_the_highest_faithful_load_is_below_the_first_that_is_not(faithful, highest):
    trials = [replace(GOOD, users=100 * (i + 1), unmatched=int(not good)) for i, good in enumerate(faithful)]
    assert highest_faithful(trials[::-1]) == highest
