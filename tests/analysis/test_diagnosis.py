"""What limited a run, from rows that show it; and not determined where they do not."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.capacity.holds import Criterion, measure_hold
from katydid.analysis.derived import with_derived
from katydid.analysis.diagnosis import NOT_DETERMINED, NOTHING, diagnose_limit
from katydid.analysis.validity import Run
from katydid.load.stages import StageRecord
from katydid.model.metrics.rates import Counts
from queue_model import Queue
from rows import FAILED, monitor, samples, started

T = 2.0
OBJECTIVE = [Criterion("failure_rate", 0.05), Criterion("duration.p95", 0.05, 1000.0)]
COUNTS = Counts(
    requests=1, ok=1, failed=0, aborted=0, late=0, due=None, chunks=0, tokens=None, timed=0, bounded=0, seconds=10.0
)


def diagnosis(frames, watched=None):
    """The diagnosis of stages: frames of samples by their users."""
    begins = [number * 60_000.0 for number in range(len(frames))]
    stages = [
        frame.assign(stage=number, scheduled_ms=frame["scheduled_ms"] + begin, start_ms=frame["start_ms"] + begin)
        for number, (begin, frame) in enumerate(zip(begins, frames.values(), strict=True))
    ]
    records = [
        StageRecord(number, users, begin, begin + T * 1e3, begin + 12_000.0)
        for number, (begin, users) in enumerate(zip(begins, frames, strict=True))
    ]
    everything = pd.concat(stages, ignore_index=True)
    run = Run(
        everything, monitor() if watched is None else watched, manifest_with(interval_s=T), COUNTS, (0.0, 12_000.0)
    )
    return diagnose_limit(run, [measure_hold(everything, record, T, OBJECTIVE) for record in records])


def queue_at(queue, *loads, **columns):
    found = {}
    for users in loads:
        frame = queue.hold(users, 12.0, T)
        filled = {"error": np.where(frame["outcome"] == "failed", "overloaded", None), "connect_ms": np.nan}
        found[users] = frame.assign(**({"blame": None, "gap_mean_ms": np.nan} | filled | columns))
    return found


def test_a_fixed_number_of_slots_is_the_targets_concurrency():
    found = diagnosis(queue_at(Queue(10, 0.2), 50, 120, 160))
    assert found.cause == "concurrency"
    assert "50.0 requests/s" in found.evidence
    assert "about 10." in found.evidence


def conversations(frame, service):
    """The same rows as conversations: each of three requests one after the other, of which the first waits."""
    first = frame.assign(duration_ms=frame["duration_ms"] - 2 * service, conversation_ms=np.nan)
    parts = [first]
    for number in (1, 2):
        begins = first["start_ms"] + first["duration_ms"] + (number - 1) * service
        part = frame.assign(scheduled_ms=begins, start_ms=begins, duration_ms=service, paced=False)
        parts.append(part.assign(conversation_ms=frame["duration_ms"] if number == 2 else np.nan))
    return pd.concat(parts, ignore_index=True)


def test_conversations_and_their_requests_are_counted_apart():
    # 4 slots × 0.2 s, 3 requests a conversation: 6.67 conversations, 20 requests a second, 4 requests at a time.
    frames = {users: conversations(frame, 200.0) for users, frame in queue_at(Queue(4, 0.6), 8, 20, 30).items()}
    found = diagnosis(frames)
    assert found.cause == "concurrency"
    assert "the target answered 6.6" in found.evidence
    assert "conversations/s (20.0 requests/s)" in found.evidence
    assert "200\u00a0ms per request" in found.evidence
    assert "about 4.00 requests at a time" in found.evidence


def test_refusals_at_a_fixed_number_in_flight_with_fast_answers_are_a_connection_limit():
    found = diagnosis(queue_at(Queue(1000, 0.5, connections=25), 50, 150))
    assert found.cause == "connection limit"
    assert "at most 25 were served together" in found.evidence


def test_refusals_with_slow_answers_are_a_full_queue_before_a_fixed_number():
    found = diagnosis(queue_at(Queue(4, 0.2, queue_limit=8), 20, 120))
    assert found.cause == "concurrency"
    assert "queue" in found.evidence


def test_429s_are_a_rate_limit():
    found = diagnosis(queue_at(Queue(1000, 0.2, connections=10), 50, 300, error="rate_limited"))
    assert found.cause == "rate limit"
    assert "rate_limited of" in found.evidence


def test_chunks_that_come_further_apart_are_shared_compute():
    frames = queue_at(Queue(10, 0.2), 50, 160)
    frames[50]["gap_mean_ms"], frames[160]["gap_mean_ms"] = 10.0, 40.0
    assert diagnosis(frames).cause == "compute"


def test_a_target_whose_processor_is_full_lacks_compute():
    watched = monitor(12, process="target", cpu_percent=99.0)
    found = diagnosis(queue_at(Queue(10, 0.2), 50, 160), watched)
    assert (found.cause, "99 %" in found.evidence) == ("compute", True)


def test_a_generator_that_is_too_busy_comes_before_everything_else():
    found = diagnosis(queue_at(Queue(10, 0.2), 50, 160), monitor(12, cpu_percent=100.0))
    assert found.cause == "generator"


def test_nothing_limited_a_run_in_which_nothing_broke():
    assert diagnosis(queue_at(Queue(10, 0.2), 20, 50)).cause == NOTHING


def test_failures_that_no_rule_explains_are_not_determined():
    frames = queue_at(Queue(1000, 0.5, connections=10), 20, 100, error="malformed")
    assert diagnosis(frames).cause == NOT_DETERMINED


@pytest.mark.parametrize(("error", "cause"), [("rate_limited", "rate limit"), ("truncated", NOT_DETERMINED)])
def test_a_run_without_stages_is_diagnosed_by_its_failures(error, cause):
    rows = [started(i * 10.0, base=FAILED, iteration=i, error=error) for i in range(10)]
    frame = with_derived(samples(*rows), manifest_with(interval_s=1.0))
    assert diagnose_limit(Run(frame, monitor(), manifest_with(interval_s=1.0), COUNTS, (0.0, 1.0))).cause == cause
