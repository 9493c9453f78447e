"""What a `kill -9` leaves: everything but the last second, marked, and nobody who goes on loading the target."""

import os
import signal

import psutil
import pytest

from katydid.target.process import start_target
from running import katydid, the_run, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_workers_without_a_master_stop_and_the_run_is_rebuilt_as_partial(tmp_path):
    with start_target(ttft=0.02, chunk_interval=0.01, chunks=4, log=str(tmp_path / "truth.jsonl")) as target:
        words = ("--users", 20, "--interval", 0.5, "--run-time", "90s", "--processes", 2)
        running = katydid("run", "stream", "--host", target.url, *words, folder=tmp_path)
        wait_until(lambda: target.stats()["requests"] > 120, 30, "some load")
        workers = psutil.Process(running.process.pid).children()
        seen = {line["request_id"] for line in target.log()}
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        report = katydid("report", the_run(tmp_path / "reports").path, folder=tmp_path / "at-once")
        assert report.wait() == 0, report.err
        assert "partial" in report.out
        gone, left = psutil.wait_procs(workers, 25)
        running.kill_all()
        assert len(gone) == 2, left
    rows = set(the_run(tmp_path / "reports").samples["request_id"])
    assert len(seen - rows) < 0.4 * len(seen), "at most the last second, of three or more"
    assert running.err.count("the master is gone: this worker stops") == 2


def test_workers_whose_master_is_killed_while_the_run_drains_end_too(tmp_path):
    with start_target(ttft=4.0, chunks=4) as target:
        words = ("--users", 8, "--interval", 1, "--run-time", "2s", "--processes", 2)
        running = katydid("run", "stream", "--host", target.url, *words, folder=tmp_path)
        wait_until(lambda: "The run time is over" in running.out, 30, "the end of the run time")
        workers = psutil.Process(running.process.pid).children()
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        gone, left = psutil.wait_procs(workers, 20)
        running.kill_all()
        assert len(gone) == 2, left
