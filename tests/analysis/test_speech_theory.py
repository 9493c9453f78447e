"""A run of speech beside the queue that theory makes of its streams."""

import math

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.speech_theory import compare_with_theory, is_plausible, run_facts
from katydid.model.errors import ConfigError


def manifest(*, time_out=60.0, chunk=100.0, speed=1.0):
    return manifest_with(request_timeout_s=time_out, users=9, options={"audio_chunk": chunk, "audio_speed": speed})


def streams(starts, *, audio_ms=1000.0, server_rtf=0.1, **columns):
    return pd.DataFrame(
        {
            "status": 101,
            "outcome": "ok",
            "after_stop": False,
            "start_ms": np.asarray(starts, dtype=float),
            "audio_ms": audio_ms,
            "server_rtf": server_rtf,
            "rtf": 1.0,
            "final_latency_ms": 1.0,
        }
        | columns
    )


def theory(starts, workers=1, rtf=0.1, **more):
    facts = run_facts(streams(starts), manifest(**more))
    return compare_with_theory(facts, workers, rtf).theory


def test_a_stream_alone_is_done_when_it_has_been_spoken():
    alone = theory([0])
    assert (alone.success, alone.rtf_mean, alone.lag_p50_s) == (1.0, 1.0, 0.0)


def test_audio_that_comes_at_once_takes_its_real_time_factor():
    assert theory([0], speed=0.0).rtf_mean == pytest.approx(0.1)


def test_500_streams_on_one_worker_have_the_real_time_factor_of_all_of_them_together():
    # 5,000 chunks of 10 ms of work; the last 500, one of each stream, are done from 45 s to 50 s.
    crowd = theory([0] * 500)
    assert crowd.success == 1.0
    assert crowd.rtf_mean == pytest.approx(47.5, abs=0.1)
    assert crowd.rtf_p95 == pytest.approx(49.75, abs=0.1)


def test_who_is_not_done_in_time_has_left():
    # Nobody has all of its chunks done before 45 s, and who has left is not worked on.
    assert theory([0] * 500, time_out=40.0).success == 0.0
    assert math.isnan(theory([0] * 500, time_out=40.0).rtf_mean)
    assert theory([0] * 500, time_out=47.5).success == pytest.approx(0.5, abs=0.01)


def test_enough_workers_make_nobody_wait():
    assert theory([0] * 500, workers=72).success == 1.0
    assert theory([0] * 500, workers=72).rtf_mean < 1.1


def test_the_facts_of_a_run():
    facts = run_facts(streams([0, 500, 999, 1000, 5000], server_rtf=[0.1, 0.2, 0.3, np.nan, 0.2]), manifest())
    assert facts.concurrency == 4  # the fourth begins in the moment in which the first ends
    assert facts.rtf == pytest.approx(0.2)
    assert facts.services_s.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.2])
    assert (facts.audio_s, facts.chunk_s, facts.speed, facts.time_out_s) == (1.0, 0.1, 1.0, 60.0)


def test_streams_that_were_not_let_in_are_left_out():
    facts = run_facts(streams([0, 1], status=[101, 503], outcome=["ok", "failed"]), manifest())
    assert len(facts.streams) == 1


def test_a_run_of_another_workload_is_refused():
    with pytest.raises(ConfigError, match="not a run of speech"):
        run_facts(streams([0]).drop(columns="audio_ms"), manifest())
    with pytest.raises(ConfigError, match="accepted no stream"):
        run_facts(streams([0], status=503, outcome="failed"), manifest())


def test_a_plan_is_for_the_streams_that_were_asked_for_not_for_those_let_in():
    starts = [0.0] * 34
    refused = ["ok"] * 22 + ["failed"] * 12
    facts = run_facts(streams(starts, status=[101] * 22 + [503] * 12, outcome=refused), manifest())
    assert (facts.concurrency, facts.refused, len(facts.streams)) == (34, 12, 22)
    beside = compare_with_theory(facts, 40, 0.1)
    assert beside.refused == 12
    assert beside.measured.success == pytest.approx(22 / 34)
    assert beside.theory.success == pytest.approx(22 / 34)


def test_a_stream_that_could_not_even_connect_was_asked_for_when_it_was_due():
    frame = streams([0, np.nan, 0], status=[101, np.nan, 101], outcome=["ok", "failed", "ok"], scheduled_ms=0.0)
    assert run_facts(frame, manifest()).concurrency == 3


@pytest.mark.parametrize(("rtf", "plausible"), [(0.00029, False), (0.001, True), (52, True), (1e6, False)])
def test_a_factor_of_seconds_that_were_read_as_milliseconds_is_implausible(rtf, plausible):
    assert is_plausible(rtf) is plausible
