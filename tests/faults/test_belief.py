"""Faults that no request shows: clocks that jump, and failures of which each says something else."""

import json
import time

import gevent
import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.summary import summarise
from katydid.engine.monitor.generator import Monitor
from katydid.engine.run_info import RunInfo
from katydid.model.redact import Redactor
from katydid.report.run import render_run
from katydid.runs.rows import decode
from katydid.transport import clock
from synthetic import material_of, synthetic_run

HOUR = 3600.0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_jump_of_the_wall_clock_is_seen_and_said_and_touches_no_duration(monkeypatch, step):
    info = RunInfo(users=1, workers=1, model="m", warm_up=0.0).begun()
    monitor = Monitor(info, "local", users=lambda: 1, connections=lambda: 1, in_flight=lambda: 1, whole_machine=False)
    watching = gevent.spawn(monitor.run)
    gevent.sleep(1.3)
    before, real = info.ms(time.monotonic()), time.time
    monkeypatch.setattr(time, "time", lambda: real() + step)
    gevent.sleep(1.2)
    watching.kill()
    assert 1000 < info.ms(time.monotonic()) - before < 60_000
    rows = decode(monitor.buffer.drain()).to_pandas()
    assert rows["clock_step_ms"].abs().max() == pytest.approx(HOUR * 1000, abs=2000)
    run = synthetic_run()
    summary = summarise(run.samples, rows, manifest_with(run.manifest))
    (said,) = [f for f in summary["findings"] if f["rule"] == "clock"]
    assert "the wall clock jumped by" in said["message"]
    assert said["severity"] == "warning"


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_jump_between_a_bytes_arrival_and_its_reading_makes_no_age_of_an_hour(step):
    import socket
    import struct

    now = time.time_ns()
    stamp = struct.pack("=6q", *divmod(now, 10**9), 0, 0, 0, 0)
    ancillary = [(socket.SOL_SOCKET, 37, stamp)]
    assert clock.age_ns(ancillary, now + 5_000_000) == 5_000_000
    assert clock.age_ns(ancillary, now + int(step * 1e9)) is None


def test_a_hundred_thousand_different_failures_are_one_line_with_one_example():
    run = synthetic_run(users=1000, cycles=100, interval=1.0, failing=1.0)
    failed = run.samples["outcome"] == "failed"
    run.samples["detail"] = pd.Series([f"request {i} of {i * 7919} broke" for i in range(len(run.samples))])
    run.samples.loc[failed, "error"] = "http_5xx"
    summary = summarise(run.samples, run.monitor, manifest_with(run.manifest))
    assert failed.sum() > 90_000
    assert [row["error"] for row in summary["errors"]] == ["http_5xx"]
    assert len(json.dumps(summary.json)) < 20_000
    assert len(render_run(material_of(run), [])) < 2_000_000


def test_a_failures_text_is_kept_short_however_long_the_server_talks():
    assert len(Redactor(["secret"]).text("x" * 1_000_000)) == 200
