"""`katydid run --wait-ready`: a target that is started after its run."""

import signal
import time

import pytest

from katydid.target.process import start_target
from running import free_port, katydid, runs_in, the_run, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LOAD = ("--users", 2, "--interval", "0.5", "-t", "2s")


def waiting(folder, port, patience, *more):
    """A run that has said that it waits."""
    words = ("run", "stream", "--host", f"http://127.0.0.1:{port}", *LOAD, "--wait-ready", patience, *more)
    run_ = katydid(*words, folder=folder)
    wait_until(lambda: "waiting up to" in run_.err, 20, "the line that says so")
    assert "Connection refused" in run_.err
    return run_


@pytest.mark.parametrize("more", [(), ("--processes", 2)], ids=["one process", "two workers"])
def test_the_load_begins_when_the_target_answers(tmp_path, more):
    port = free_port()
    run_ = waiting(tmp_path, port, "60s", *more)
    time.sleep(1.0)
    assert runs_in(tmp_path / "reports") == []
    with start_target(port=port):
        assert run_.wait() == 0, run_.out + run_.err
    assert run_.err.count("waiting up to") == 1, "a reason is told once"
    assert set(the_run(tmp_path / "reports").samples["outcome"]) == {"ok"}


def test_one_that_does_not_come_is_given_up(tmp_path):
    run_ = waiting(tmp_path, free_port(), "1s")
    assert run_.wait() == 2
    assert "ready within --wait-ready 1s" in run_.err
    assert runs_in(tmp_path / "reports") == []


def test_ctrl_c_ends_the_wait(tmp_path):
    run_ = waiting(tmp_path, free_port(), "60s")
    run_.signal_all(signal.SIGINT)
    assert run_.wait(10) == 130
    assert "Traceback" not in run_.err
