"""From exchange and reading to the columns of a sample."""

import pytest

from katydid.dialects import dialect
from katydid.engine.measuring import measure_exchange, measure_stream
from katydid.engine.run_info import RunInfo
from katydid.model.sample import Sample
from katydid.transport.exchange import Exchange
from talking import info

CHUNK = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'


def measured(times, **exchange):
    run = RunInfo(origin=100.0, origin_wall=0.0, boot="", users=1, workers=1, model="m", warm_up=0.0)
    sample = Sample(request_id="r", user=0, iteration=0, worker="w", name="/", scheduled_ms=1000.0)
    parser = dialect("openai").stream_parser("count")
    for at in times:
        parser.feed(CHUNK, at)
    facts = Exchange(**{"started": 101.5, "status": 200, **exchange})
    measure_exchange(sample, facts, run)
    measure_stream(sample, facts, parser)
    return sample


def test_times_are_milliseconds_from_the_runs_origin():
    sample = measured([102.0, 102.1, 102.4], ended=103.0, connect_seconds=0.002, read_lag=0.001, received=77)
    assert sample.start_ms == pytest.approx(1500)
    assert sample.late_ms == pytest.approx(500)
    assert sample.connect_ms == pytest.approx(2)
    assert sample.ttft_ms == pytest.approx(500)
    assert sample.duration_ms == pytest.approx(1500)
    assert sample.read_lag_ms == pytest.approx(1)
    assert (sample.gap_mean_ms, sample.gap_max_ms) == (pytest.approx(200), pytest.approx(300))
    assert (sample.chunks, sample.bytes) == (3, 77)


def test_the_99th_percentile_of_the_gaps_is_one_of_them():
    times = [102.0 + i * 0.01 for i in range(100)]
    times.append(times[-1] + 1.0)
    assert measured(times).gap_p99_ms == pytest.approx(10)
    assert measured(times[-3:]).gap_p99_ms == pytest.approx(1000)


def test_what_did_not_happen_has_no_time():
    sample = measured([], started=None, status=None)
    assert [sample.start_ms, sample.late_ms, sample.ttft_ms, sample.duration_ms, sample.bytes, sample.chunks] == [
        None
    ] * 6


def test_a_refusal_has_no_chunks():
    sample = measured([], status=500, ended=101.6)
    assert (sample.chunks, sample.ttft_ms) == (None, None)
    assert sample.duration_ms == pytest.approx(100)


def test_the_origin_is_the_same_moment_on_every_process_of_a_machine():
    here = info()
    assert RunInfo.from_wire(here.to_wire()) == here


def test_another_machines_origin_is_mapped_through_the_wall_clock():
    here = info()
    there = RunInfo.from_wire(here.to_wire() | {"boot": "another machine", "origin": 12345.0})
    assert abs(there.origin - here.origin) < 0.05
