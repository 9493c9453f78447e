"""A generator that stands still or computes meanwhile: what it measures then is its own, so the run is invalid."""

import signal
import sys
import time

import psutil
import pytest

from katydid.target.process import start_target
from running import Running, katydid, the_run, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="stops a process, and needs the kernel's stamps"),
]


def blocked(run):
    return [f for f in run.summary["findings"] if f["rule"] == "blocked"]


def test_a_generator_that_was_stopped_for_a_quarter_of_a_closed_loops_run(tmp_path):
    with start_target(ttft=0.1, chunk_interval=0.01, chunks=5) as target:
        words = ("--users", 4, "--interval", 0.1, "--run-time", "6s")  # answers outlast the interval
        running = katydid("run", "stream", "--host", target.url, *words, folder=tmp_path)
        wait_until(lambda: target.stats()["requests"] > 60, 30, "some load")
        running.signal(signal.SIGSTOP)
        time.sleep(1.5)
        running.signal(signal.SIGCONT)
        assert running.wait() == 4, running.out
    (finding,) = blocked(the_run(tmp_path / "reports"))
    assert finding["severity"] == "invalid"
    assert "stopped" in finding["message"]


BUSY_LISTENER = """
import time
from locust import events
from katydid.workloads.stream.user import StreamUser

@events.request.add_listener
def compute(**_):
    until = time.monotonic() + 0.04
    while time.monotonic() < until:
        pass

class Busy(StreamUser):
    pass
"""


def test_a_listener_that_computes_for_forty_milliseconds_a_request(tmp_path):
    (tmp_path / "busy.py").write_text(BUSY_LISTENER)
    with start_target(ttft=0.05, chunk_interval=0.01, chunks=10) as target:
        words = ("-f", "busy.py", "--headless", "--users", 12, "--interval", 1, "--run-time", "6s")
        command = [sys.executable, "-m", "locust", *words, "--host", target.url]
        running = Running(command, tmp_path)
        assert running.wait() == 4, running.out + running.err
    (finding,) = blocked(the_run(tmp_path / "reports"))
    assert finding["severity"] == "invalid"
    assert "own code" in finding["message"] or "other work" in finding["message"]


def test_workers_that_all_stood_still_end_the_run_at_once_and_hand_in_their_rows(tmp_path):
    with start_target(ttft=0.01, chunk_interval=0.01, chunks=6) as target:
        words = ("--processes", 2, "--users", 4, "--interval", 0.2, "--run-time", "90s")
        running = katydid("run", "stream", "--host", target.url, *words, folder=tmp_path)
        wait_until(lambda: target.stats()["requests"] > 40, 30, "some load")
        workers = psutil.Process(running.process.pid).children()
        for worker in workers:
            worker.suspend()
        seen = target.stats()["requests"]
        wait_until(lambda: "waiting up to" in running.out, 20, "the end of the run")
        for worker in workers:
            worker.resume()
        assert running.wait(30) == 4, "and not when its run time is over"
    run = the_run(tmp_path / "reports")
    assert run.manifest["ended"] == "error"
    assert (run.manifest["lost_workers"], run.manifest["missing_rows"]) == ([], 0)
    assert len(run.samples) >= seen
    assert "blocked" in {finding["rule"] for finding in run.summary["findings"]}, "they stood still"
